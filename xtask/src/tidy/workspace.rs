//! The shape of the workspace.

use super::{Finding, Tree};

const MEMBERS: [&str; 6] =
    ["mlbench-core", "mlbench-server", "mlbench-client", "mlbench-cli", "xtask", "tests"];

/// Six members: a new one is a decision, not an accident.
pub(super) fn members(tree: &Tree) -> Vec<Finding> {
    let manifest = tree.text("Cargo.toml");
    let begin = manifest.find("members = [").unwrap_or_default();
    let list = manifest[begin..].split(['[', ']']).nth(1).unwrap_or_default();
    let found: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
    if found == MEMBERS {
        return Vec::new();
    }
    let line = manifest[..begin].matches('\n').count() + 1;
    let rule = format!("the members of the workspace are {found:?}, not {MEMBERS:?}");
    vec![Finding::new("Cargo.toml", line, rule, "put the code into the member it belongs to")]
}

/// Which member may not depend on which.
const LAYERS: [(&str, &[&str]); 6] = [
    ("mlbench-core", &["mlbench-client", "mlbench-server", "mlbench-cli", "mlbench-tests"]),
    ("mlbench-client", &["mlbench-server", "mlbench-cli", "mlbench-tests"]),
    ("mlbench-server", &["mlbench-client", "mlbench-cli", "mlbench-tests"]),
    ("mlbench-cli", &["mlbench-server", "mlbench-tests"]),
    ("tests", &["mlbench-cli"]),
    ("xtask", &["mlbench-core", "mlbench-client", "mlbench-server", "mlbench-cli", "mlbench-tests"]),
];

/// Invariant 3, and the arrows of ARCHITECTURE.md.
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
                let rule = format!("{member} depends on {name}");
                let advice = "share the type in mlbench-core, or go through the API";
                findings.push(Finding::new(&path, index + 1, rule, advice));
            }
        }
    }
    findings
}

/// One TLS provider: rustls with two of them and no default panics at the first connection.
pub(super) fn one_tls_provider(tree: &Tree) -> Vec<Finding> {
    let lock = tree.text("Cargo.lock");
    let Some(at) = lock.find("name = \"aws-lc-sys\"") else { return Vec::new() };
    let line = lock[..at].matches('\n').count() + 1;
    let advice =
        "turn off the default features of what brings it (cargo tree -i aws-lc-sys); ring is the provider";
    vec![Finding::new("Cargo.lock", line, "aws-lc-sys is built", advice)]
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn a_seventh_member_is_found() {
        let six = "[workspace]\nmembers = [\"mlbench-core\", \"mlbench-server\", \"mlbench-client\", \"mlbench-cli\", \"xtask\", \"tests\"]\n";
        assert!(check(members, &[("Cargo.toml", six)]).is_empty());
        let seven = six.replace("\"tests\"", "\"tests\", \"extra\"");
        assert_eq!(check(members, &[("Cargo.toml", &seven)]), ["Cargo.toml:2"]);
        assert_eq!(check(members, &[]), ["Cargo.toml:1"]);
    }

    #[test]
    fn a_client_that_knows_the_server_is_found() {
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
