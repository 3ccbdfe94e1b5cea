//! What is learned from: rows with a label of two, where they come from, and which of them a worker holds.

mod libsvm;
mod random;
mod rows;
mod share;
mod synthetic;

use std::path::Path;

pub(crate) use random::Random;
pub(crate) use rows::Rows;
pub(crate) use share::Share;
pub(crate) use synthetic::{Shape, Synthetic};

/// The data that is shipped; its origin and licence are beside it.
const BREAST_CANCER: &str = include_str!("../../../data/breast-cancer-wisconsin.libsvm");

/// Why data cannot be learned from.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The file cannot be read.
    #[error("cannot read {file}: {cause}")]
    Read {
        /// Which one.
        file: String,
        /// What the system says.
        cause: std::io::Error,
    },
    /// A line is not in the LibSVM format.
    #[error("{file}, line {line}: {problem}")]
    Line {
        /// Which file.
        file: String,
        /// Which line, from 1.
        line: usize,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// The labels are not of two kinds.
    #[error("{file}: logistic regression needs two different labels, there are {found}")]
    Labels {
        /// Which file.
        file: String,
        /// How many there are, and the first of them.
        found: String,
    },
    /// Nothing could be held back for validation.
    #[error("{0} rows are not enough to train on some and validate on others; it takes at least {least}", least = share::VALIDATE_EVERY)]
    TooFew(usize),
}

/// Where rows come from, by number.
pub(crate) enum Source {
    /// A file, read whole.
    File(Rows),
    /// Made on demand.
    Synthetic(Synthetic),
}

impl Source {
    /// The data that is shipped with the program.
    ///
    /// # Errors
    /// None, as a test makes sure.
    pub(crate) fn breast_cancer() -> Result<Self, Error> {
        libsvm::read(BREAST_CANCER.as_bytes(), "breast-cancer-wisconsin.libsvm").map(Self::File)
    }

    /// A file in the LibSVM format.
    ///
    /// # Errors
    /// [`Error::Read`], or what is wrong with its contents and on which line.
    pub(crate) fn file(path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        match std::fs::File::open(path) {
            Ok(file) => libsvm::read(std::io::BufReader::new(file), &name).map(Self::File),
            Err(cause) => Err(Error::Read { file: name, cause }),
        }
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::File(rows) => rows.len(),
            Self::Synthetic(synthetic) => synthetic.shape().rows,
        }
    }

    /// Number of features.
    pub(crate) fn features(&self) -> usize {
        match self {
            Self::File(rows) => rows.features(),
            Self::Synthetic(synthetic) => synthetic.shape().features,
        }
    }

    /// No rows yet, of the kind that this source has.
    fn no_rows(&self) -> Rows {
        match self {
            Self::File(rows) => rows.like(),
            Self::Synthetic(synthetic) => Rows::dense(synthetic.shape().features),
        }
    }

    fn copy_row(&self, index: usize, into: &mut Rows) {
        match self {
            Self::File(rows) => into.push_from(rows, index),
            Self::Synthetic(synthetic) => synthetic.push_row(index, into),
        }
    }
}
