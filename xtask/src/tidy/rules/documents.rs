//! The files that documents name exist.

use crate::tidy::finding::Finding;
use crate::tidy::tree::Tree;

fn documents(tree: &Tree) -> impl Iterator<Item = (&str, &str)> {
    tree.texts().filter(|(path, _)| path.ends_with(".md"))
}

/// Every link to a file has a target.
pub(super) fn links(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in documents(tree) {
        let folder = path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        for (index, line) in text.lines().enumerate() {
            for link in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                let file = link.split('#').next().unwrap_or_default();
                if file.is_empty() || file.contains("://") || tree.has(&format!("{folder}{file}")) {
                    continue;
                }
                let what = format!("the link to {link} has no target");
                findings.push(Finding::new(path, index + 1, what, "link to an existing file"));
            }
        }
    }
    findings
}

/// Every path in code quotes that begins with a member of the workspace exists.
pub(super) fn code_map(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in documents(tree) {
        for (index, line) in text.lines().enumerate() {
            for quoted in line.split('`').skip(1).step_by(2) {
                let is_path = ["mlbench-", "xtask/", "tests/"].iter().any(|top| quoted.starts_with(top))
                    && quoted.contains('/')
                    && quoted.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
                if is_path && !tree.has(quoted) {
                    let what = format!("{quoted} does not exist");
                    findings.push(Finding::new(path, index + 1, what, "correct the document"));
                }
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::check;

    #[test]
    fn a_dead_link_is_found() {
        let readme = "[a](docs/a.md#b)\n[x](https://example.org) [here](#top)\n[gone](gone.md)\n";
        assert_eq!(check(links, &[("README.md", readme), ("docs/a.md", "")]), ["README.md:3"]);
    }

    #[test]
    fn a_path_that_does_not_exist_is_found() {
        let text =
            "`xtask/src/main.rs` and `xtask/src/gone.rs`\n`mlbench-server --help`, `tests/` and `tests/x/`\n";
        let files = [("ARCHITECTURE.md", text), ("xtask/src/main.rs", ""), ("tests/src/lib.rs", "")];
        assert_eq!(check(code_map, &files), ["ARCHITECTURE.md:1", "ARCHITECTURE.md:2"]);
    }
}
