//! [`Error`]: why data cannot be used for training.

/// Why data cannot be used for training.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The file cannot be read.
    #[error("cannot read {file}: {cause}")]
    Read {
        /// Path of the file.
        file: String,
        /// Reason given by the system.
        cause: std::io::Error,
    },
    /// A line is not in the LibSVM format.
    #[error("{file}, line {line}: {problem}")]
    Line {
        /// Path of the file.
        file: String,
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// The number of different labels is not two.
    #[error("{file}: found {found}; logistic regression needs two different labels")]
    Labels {
        /// Path of the file.
        file: String,
        /// Number of labels, and the first of them.
        found: String,
    },
    /// The data have too few rows to hold some back for validation.
    #[error("{rows} rows are too few for training and validation; use at least {minimum}")]
    TooFewRows {
        /// Number of rows.
        rows: usize,
        /// Smallest number of rows that works.
        minimum: usize,
    },
}
