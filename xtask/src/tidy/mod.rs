//! `cargo xtask tidy`: the invariants of ARCHITECTURE.md and STYLE.md, each a short rule.
//!
//! A finding says where, what and what to do. The rules read text, not syntax trees: `tree/` separates code, comments and
//! literals, and `modules/` finds the imports. A rule that is wrong about a line is corrected in `rules/`. No comment
//! can turn it off.

mod finding;
mod modules;
mod rules;
#[cfg(test)]
mod testing;
mod tree;

use std::process::ExitCode;

use rules::RULES;
use tree::Tree;

/// Checks the repository and prints all findings, sorted by file and line.
pub(crate) fn run() -> Result<ExitCode, String> {
    let tree = Tree::read(&crate::repo::root())?;
    let mut findings = Vec::new();
    for (name, rule) in RULES {
        findings.extend(rule(&tree).into_iter().map(|finding| (finding, *name)));
    }
    findings.sort();
    for (finding, name) in &findings {
        println!("{}: {name}: {finding}", finding.place());
    }
    if let Some(why) = tree.without_history() {
        println!("tidy: commit subjects are not checked: {why}");
    }
    if findings.is_empty() {
        println!("tidy: {} rules hold in {} files", RULES.len(), tree.len());
        return Ok(ExitCode::SUCCESS);
    }
    println!("tidy: {} findings", findings.len());
    Ok(ExitCode::FAILURE)
}
