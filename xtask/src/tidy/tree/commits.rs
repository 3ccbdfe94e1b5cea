//! The subjects of the commits, where the repository has its history.

use std::path::Path;
use std::process::Command;

/// The last commit that the rules for subjects do not apply to.
const EXEMPT: &str = "16ffb03";

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Commit {
    /// Its abbreviated hash.
    pub(crate) hash: String,
    /// The first line of its message.
    pub(crate) subject: String,
}

/// The commits to check, or why they are unknown.
#[derive(Debug)]
pub(crate) enum History {
    /// The commits after the exempt ones, newest first, without merges.
    Known(Vec<Commit>),
    /// A reason to skip the rules about commits.
    Unknown(String),
}

impl History {
    /// Reads the history of the repository at `root`.
    pub(super) fn read(root: &Path) -> Self {
        let range = format!("{EXEMPT}..HEAD");
        let mut git = Command::new("git");
        git.arg("-C").arg(root).args(["log", "--no-merges", "--format=%h %s", &range]);
        match git.output() {
            Ok(output) if output.status.success() => {
                Self::Known(parse(&String::from_utf8_lossy(&output.stdout)))
            }
            Ok(_) => Self::Unknown(format!("git does not know commit {EXEMPT} here")),
            Err(error) => Self::Unknown(format!("cannot run git: {error}")),
        }
    }
}

fn parse(log: &str) -> Vec<Commit> {
    let commits = log.lines().filter_map(|line| line.split_once(' '));
    commits.map(|(hash, subject)| Commit { hash: hash.to_owned(), subject: subject.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_read_line_by_line() {
        let commits = parse("1234567 tidy: refuse circles\n89abcde docs: say why\n");
        assert_eq!(commits.len(), 2);
        assert_eq!((commits[0].hash.as_str(), commits[1].subject.as_str()), ("1234567", "docs: say why"));
    }

    #[test]
    fn a_folder_without_history_is_unknown() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(History::read(dir.path()), History::Unknown(_)));
    }
}
