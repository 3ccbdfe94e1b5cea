//! Runs one rule on files given as texts.

use super::rules::Rule;
use super::tree::Tree;

/// Returns `path:line` of each finding.
pub(super) fn check(rule: Rule, files: &[(&str, &str)]) -> Vec<String> {
    rule(&tree(files)).iter().map(super::finding::Finding::place).collect()
}

/// Returns the first finding as it is printed, without its place.
pub(super) fn message(rule: Rule, files: &[(&str, &str)]) -> String {
    rule(&tree(files)).first().map(ToString::to_string).unwrap_or_default()
}

fn tree(files: &[(&str, &str)]) -> Tree {
    Tree::from_texts(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())))
}
