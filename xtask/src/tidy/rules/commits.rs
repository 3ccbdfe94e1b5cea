//! Subjects of commits are `area: imperative`.

use crate::tidy::finding::Finding;
use crate::tidy::tree::{Commit, Tree};

const MAX_SUBJECT: usize = 72;

/// Imperatives that look like another form of a verb.
const IMPERATIVES: [&str; 10] =
    ["bring", "embed", "exceed", "feed", "need", "proceed", "seed", "shed", "speed", "string"];

/// Every subject names an area and what to do, in 72 characters.
pub(super) fn subjects(tree: &Tree) -> Vec<Finding> {
    let advice = "write `area: imperative` without full stop, and the reason in the body";
    let bad = tree.commits().iter().filter_map(|commit| Some((commit, problem(&commit.subject)?)));
    bad.map(|(Commit { hash, subject }, problem)| {
        Finding::new(&format!("commit {hash}"), 0, format!("{problem}: {subject:?}"), advice)
    })
    .collect()
}

fn problem(subject: &str) -> Option<String> {
    let length = subject.chars().count();
    if length > MAX_SUBJECT {
        return Some(format!("the subject has {length} characters, more than {MAX_SUBJECT}"));
    }
    let is_area = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_/., ".contains(c);
    let Some((_, text)) = subject.split_once(": ").filter(|(area, _)| area.chars().all(is_area)) else {
        return Some("the subject names no area".to_owned());
    };
    let verb = text.split(' ').next().unwrap_or_default().to_lowercase();
    let inflected = (verb.ends_with("ed") || verb.ends_with("ing")) && !IMPERATIVES.contains(&verb.as_str());
    if inflected {
        return Some(format!("{verb} is not an imperative"));
    }
    text.ends_with('.').then(|| "the subject ends with a full stop".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_area_and_an_imperative_make_a_subject() {
        for good in ["http/auth: refuse foreign hosts", "tidy, docs: Need one area", "cli: set --url (#1)"] {
            assert_eq!(problem(good), None, "{good}");
        }
        for bad in [
            "Two comments claim what was measured",
            "cli: added a flag",
            "cli: adding a flag",
            "cli: add a flag.",
            "The cli: add a flag",
        ] {
            assert!(problem(bad).is_some(), "{bad}");
        }
        let long = format!("cli: add {}", "x".repeat(64));
        assert_eq!(problem(&long).unwrap(), "the subject has 73 characters, more than 72");
    }

    #[test]
    fn a_bad_subject_is_found_by_its_commit() {
        let commit = |hash: &str, subject: &str| Commit { hash: hash.into(), subject: subject.into() };
        let commits = [commit("1234567", "Fixed"), commit("89abcde", "cli: add a flag")];
        let tree = Tree::from_texts([]).with_commits(commits);
        let found: Vec<String> = subjects(&tree).iter().map(Finding::place).collect();
        assert_eq!(found, ["commit 1234567"]);
    }
}
