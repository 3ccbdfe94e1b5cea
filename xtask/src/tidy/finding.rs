//! What a rule finds.

use std::fmt;

/// A place that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    /// The file, or the commit.
    pub(super) path: String,
    /// The line in the file from 1, or 0 for something without lines.
    pub(super) line: usize,
    what: String,
    advice: &'static str,
}

impl Finding {
    /// A finding in a file.
    pub(super) fn new(path: &str, line: usize, what: impl Into<String>, advice: &'static str) -> Self {
        Self { path: path.to_owned(), line, what: what.into(), advice }
    }

    /// Where the finding is: `path:line`.
    pub(super) fn place(&self) -> String {
        if self.line == 0 { self.path.clone() } else { format!("{}:{}", self.path, self.line) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.advice)
    }
}
