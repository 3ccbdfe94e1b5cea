//! Members of the workspace and the dependencies among them.

use crate::tidy::finding::Finding;
use crate::tidy::tree::Tree;

const MEMBERS: [&str; 6] =
    ["mlbench-core", "mlbench-server", "mlbench-client", "mlbench-cli", "xtask", "tests"];

/// The workspace has these six members.
pub(super) fn members(tree: &Tree) -> Vec<Finding> {
    let manifest = tree.text("Cargo.toml");
    let begin = manifest.find("members = [").unwrap_or_default();
    let list = manifest[begin..].split(['[', ']']).nth(1).unwrap_or_default();
    let found: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
    if found == MEMBERS {
        return Vec::new();
    }
    let line = manifest[..begin].matches('\n').count() + 1;
    let what = format!("the members of the workspace are {found:?}, not {MEMBERS:?}");
    vec![Finding::new("Cargo.toml", line, what, "move the code into one of these members")]
}

/// For each member the members that it may not depend on.
const LAYERS: [(&str, &[&str]); 6] = [
    ("mlbench-core", &["mlbench-client", "mlbench-server", "mlbench-cli", "mlbench-tests"]),
    ("mlbench-client", &["mlbench-server", "mlbench-cli", "mlbench-tests"]),
    ("mlbench-server", &["mlbench-client", "mlbench-cli", "mlbench-tests"]),
    ("mlbench-cli", &["mlbench-server", "mlbench-tests"]),
    ("tests", &["mlbench-cli"]),
    ("xtask", &["mlbench-core", "mlbench-client", "mlbench-server", "mlbench-cli", "mlbench-tests"]),
];

/// Invariant 3: dependencies follow the arrows of ARCHITECTURE.md.
pub(super) fn layers(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (member, forbidden) in LAYERS {
        let path = format!("{member}/Cargo.toml");
        let mut tests_only = false;
        for (index, line) in tree.text(&path).lines().enumerate() {
            if line.starts_with('[') {
                tests_only = line == "[dev-dependencies]";
            }
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            if !tests_only && forbidden.contains(&name) {
                let what = format!("{member} depends on {name}");
                let advice = "share the type in mlbench-core, or go through the API";
                findings.push(Finding::new(&path, index + 1, what, advice));
            }
        }
    }
    findings
}

/// The build contains one TLS provider.
///
/// With two and no default, rustls panics at the first connection.
pub(super) fn one_tls_provider(tree: &Tree) -> Vec<Finding> {
    let lock = tree.text("Cargo.lock");
    let Some(at) = lock.find("name = \"aws-lc-sys\"") else { return Vec::new() };
    let line = lock[..at].matches('\n').count() + 1;
    let advice = "find who depends on it with cargo tree -i aws-lc-sys and turn off its default features; ring is the provider";
    vec![Finding::new("Cargo.lock", line, "aws-lc-sys is a second TLS provider", advice)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::check;

    #[test]
    fn a_seventh_member_is_found() {
        let six = "[workspace]\nmembers = [\"mlbench-core\", \"mlbench-server\", \"mlbench-client\", \"mlbench-cli\", \"xtask\", \"tests\"]\n";
        assert!(check(members, &[("Cargo.toml", six)]).is_empty());
        let seven = six.replace("\"tests\"", "\"tests\", \"extra\"");
        assert_eq!(check(members, &[("Cargo.toml", &seven)]), ["Cargo.toml:2"]);
        assert_eq!(check(members, &[]), ["Cargo.toml:1"]);
    }

    #[test]
    fn a_client_that_depends_on_the_server_is_found() {
        let toml = "[dependencies]\nmlbench-core.workspace = true\nmlbench-server.workspace = true\n";
        assert_eq!(check(layers, &[("mlbench-client/Cargo.toml", toml)]), ["mlbench-client/Cargo.toml:3"]);
        assert!(check(layers, &[("tests/Cargo.toml", toml)]).is_empty());
    }

    #[test]
    fn a_second_tls_provider_is_found() {
        let lock = "[[package]]\nname = \"aws-lc-sys\"\n";
        assert_eq!(check(one_tls_provider, &[("Cargo.lock", lock)]), ["Cargo.lock:2"]);
        assert!(check(one_tls_provider, &[("Cargo.lock", "name = \"ring\"\n")]).is_empty());
    }
}
