//! The first paragraph of a doc comment is one line.

use crate::tidy::finding::Finding;
use crate::tidy::tree::Tree;

const MAX_COLUMNS: usize = 110;

/// The summary of every item and module is one line of one sentence.
pub(super) fn summaries(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.sources() {
        let mut summary = Vec::new();
        let mut before = "";
        for line in source.lines() {
            let (kind, text) = doc_line(&line.comment).unwrap_or(("", ""));
            if kind != before {
                findings.extend(check(&source.path, &summary));
                summary.clear();
            }
            // The summary ends at the first empty line; what follows is free.
            let ended = kind == before && summary.is_empty();
            before = kind;
            if text.is_empty() {
                findings.extend(check(&source.path, &summary));
                summary.clear();
            } else if !ended {
                summary.push((line.number, text, line.comment.trim_end().chars().count()));
            }
        }
        findings.extend(check(&source.path, &summary));
    }
    findings
}

/// The kind and the text of a line of a doc comment.
fn doc_line(comment: &str) -> Option<(&'static str, &str)> {
    let comment = comment.trim();
    ["///", "//!"].into_iter().find_map(|kind| {
        let text = comment.strip_prefix(kind).filter(|text| !text.starts_with('/'))?;
        Some((kind, text.trim()))
    })
}

fn check(path: &str, summary: &[(usize, &str, usize)]) -> Option<Finding> {
    let &[(line, text, columns), ..] = summary else { return None };
    let is_prose = !text.starts_with("```");
    let (what, advice) = if summary.len() > 1 {
        let what = format!("the summary has {} lines", summary.len());
        (what, "say it in one line, leave a line empty, then give the details")
    } else if without_code(text).contains(';') {
        ("the summary contains a semicolon".to_owned(), "write one sentence, and details after an empty line")
    } else if columns > MAX_COLUMNS {
        let what = format!("the summary ends in column {columns}, not before {MAX_COLUMNS}");
        (what, "shorten it, and give the details after an empty line")
    } else {
        return None;
    };
    is_prose.then(|| Finding::new(path, line, what, advice))
}

fn without_code(text: &str) -> String {
    text.split('`').step_by(2).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::{check, message};

    #[test]
    fn a_summary_of_two_lines_is_found() {
        let text = "//! One.\n//!\n//! Two\n//! three.\n\n/// One\n/// two.\nfn f() {}\n// a\n// b\nlet s = \"\n/// no\n/// no\n\";\n";
        assert_eq!(check(summaries, &[("x/src/a.rs", text)]), ["x/src/a.rs:6"]);
        assert!(message(summaries, &[("x/src/a.rs", text)]).starts_with("the summary has 2 lines; "));
    }

    #[test]
    fn every_doc_comment_has_its_own_summary() {
        let text = "//! One.\n/// Two.\n#[x]\n/// Three\n/// four.\nfn f() {}\n/// Five.\n///\n/// Six; seven.\n///\n/// Eight\n/// nine.\n";
        assert_eq!(check(summaries, &[("x/src/a.rs", text)]), ["x/src/a.rs:4"]);
    }

    #[test]
    fn a_summary_of_two_sentences_or_too_many_columns_is_found() {
        let long = format!("/// `a; b` {}\n/// {}\n", "x".repeat(99), "x".repeat(107));
        let long = long.replace('\n', "\nfn f() {}\n");
        let files = [("x/src/a.rs", "/// One; two.\n"), ("x/src/b.rs", long.as_str())];
        assert_eq!(check(summaries, &files), ["x/src/a.rs:1", "x/src/b.rs:3"]);
    }
}
