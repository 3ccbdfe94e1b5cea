//! [`Losses`]: how many metrics were dropped, and why.

use crate::error::{Error, Result};

/// Metrics that were not stored.
#[derive(Debug, Clone, Default)]
pub(super) struct Losses {
    pub(super) count: u64,
    /// Why the first of them was lost.
    first: Option<Error>,
    /// Why the last of them was lost.
    pub(super) last: Option<Error>,
}

impl Losses {
    pub(super) fn add(&mut self, count: u64, error: &Error) {
        if count > 0 {
            self.count += count;
            self.first.get_or_insert_with(|| error.clone());
            self.last = Some(error.clone());
        }
    }

    /// Returns the error of a flush that reports them.
    pub(super) fn into_result(self) -> Result<()> {
        match self {
            Self { count: lost, first: Some(first), .. } => {
                Err(Error::MetricsLost { lost, first: Box::new(first) })
            }
            _ => Ok(()),
        }
    }
}
