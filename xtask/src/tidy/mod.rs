//! `cargo xtask tidy`: the invariants of ARCHITECTURE.md, each a short check that says where, what and what to do.
//!
//! The checks read text, not syntax trees: comments and the contents of strings are blanked first (`source.rs`), and
//! what is left of Rust is regular enough for words. A check that guesses wrong is mended here, not silenced there.

mod documents;
mod imports;
mod purity;
mod source;
mod style;
mod tree;
mod workspace;

use std::fmt;
use std::process::ExitCode;

use tree::Tree;

/// A place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    line: usize,
    rule: String,
    advice: &'static str,
}

impl Finding {
    fn new(path: &str, line: usize, rule: impl Into<String>, advice: &'static str) -> Self {
        Self { path: path.to_owned(), line, rule: rule.into(), advice }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}; {}", self.path, self.line, self.rule, self.advice)
    }
}

/// One rule.
type Check = fn(&Tree) -> Vec<Finding>;

const CHECKS: &[(&str, Check)] = &[
    ("imports", imports::one_importer_per_library),
    ("environment", purity::environment),
    ("core", purity::core_is_pure),
    ("core dependencies", purity::core_dependencies),
    ("spawn", purity::spawn_in_background_only),
    ("sleep", purity::no_sleep_in_tests),
    ("file length", style::file_length),
    ("handlers", style::handlers_are_short),
    ("allow", style::no_allow),
    ("unwrap", style::no_unwrap),
    ("print", style::printing),
    ("ignore", style::no_ignored_tests),
    ("unfinished", style::nothing_unfinished),
    ("paths", style::no_paths_of_a_machine),
    ("members", workspace::members),
    ("layers", workspace::layers),
    ("lock file", workspace::one_tls_provider),
    ("links", documents::links),
    ("code map", documents::code_map),
];

/// Checks the repository and prints what is wrong with it.
pub(crate) fn run() -> Result<ExitCode, String> {
    let tree = Tree::read(&crate::repo::root())?;
    let findings: Vec<Finding> = CHECKS.iter().flat_map(|(_, check)| check(&tree)).collect();
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("tidy: {} rules hold in {} files", CHECKS.len(), tree.len());
        return Ok(ExitCode::SUCCESS);
    }
    println!("tidy: {} places to mend", findings.len());
    Ok(ExitCode::FAILURE)
}

#[cfg(test)]
mod testing {
    use super::{Check, Tree};

    /// Runs a check on files given as texts and returns `path:line` of what it finds.
    pub(super) fn check(rule: Check, files: &[(&str, &str)]) -> Vec<String> {
        let tree =
            Tree::from_texts(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())));
        rule(&tree).into_iter().map(|finding| format!("{}:{}", finding.path, finding.line)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_says_where_what_and_what_to_do() {
        let finding = Finding::new("src/lib.rs", 7, "a rule is broken", "mend it");
        assert_eq!(finding.to_string(), "src/lib.rs:7: a rule is broken; mend it");
    }
}
