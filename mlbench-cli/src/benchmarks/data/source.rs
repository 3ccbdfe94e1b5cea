//! [`Source`]: where rows come from.

use std::path::Path;

use super::error::Error;
use super::libsvm;
use super::rows::Rows;
use super::synthetic::Synthetic;

/// The data that the program includes. `data/README.md` states its origin and licence.
const BREAST_CANCER: &str = include_str!("../../../data/breast-cancer-wisconsin.libsvm");

/// Rows by index, from a file or from a generator.
pub(crate) enum Source {
    /// A file, read completely.
    File(Rows),
    /// Rows that are generated on demand.
    Synthetic(Synthetic),
}

impl Source {
    /// Returns the breast cancer data that the program includes.
    ///
    /// # Errors
    /// None: a test reads the data.
    pub(crate) fn breast_cancer() -> Result<Self, Error> {
        libsvm::read(BREAST_CANCER.as_bytes(), "breast-cancer-wisconsin.libsvm").map(Self::File)
    }

    /// Reads a file in the LibSVM format.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Line`] or [`Error::Labels`].
    pub(crate) fn file(path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        match std::fs::File::open(path) {
            Ok(file) => libsvm::read(std::io::BufReader::new(file), &name).map(Self::File),
            Err(cause) => Err(Error::Read { file: name, cause }),
        }
    }

    /// Returns the number of rows.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::File(rows) => rows.len(),
            Self::Synthetic(synthetic) => synthetic.shape().rows,
        }
    }

    /// Returns the number of features.
    pub(crate) fn features(&self) -> usize {
        match self {
            Self::File(rows) => rows.features(),
            Self::Synthetic(synthetic) => synthetic.shape().features,
        }
    }

    /// Returns an empty set of rows, dense or sparse like this source.
    pub(super) fn empty_rows(&self) -> Rows {
        match self {
            Self::File(rows) => rows.empty_like(),
            Self::Synthetic(synthetic) => Rows::dense(synthetic.shape().features),
        }
    }

    /// Appends row `index` to `target`.
    pub(super) fn copy_row(&self, index: usize, target: &mut Rows) {
        match self {
            Self::File(rows) => target.push_from(rows, index),
            Self::Synthetic(synthetic) => synthetic.push_row(index, target),
        }
    }
}
