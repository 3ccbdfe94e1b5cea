//! Points with a finite number, between which triangles are drawn.

use std::num::NonZero;

use crate::downsample::kept::Candidate;
use crate::time::Timestamp;

/// A point with a finite number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Corner {
    pub(super) date: Timestamp,
    pub(super) number: f64,
    pub(super) seq: Option<NonZero<i64>>,
}

impl Corner {
    /// Returns `None` for a point that is no finite number.
    pub(super) fn of(Candidate { date, number, seq }: Candidate) -> Option<Self> {
        number.map(|number| Self { date, number, seq })
    }
}

impl From<Corner> for Candidate {
    fn from(Corner { date, number, seq }: Corner) -> Self {
        Self { date, number: Some(number), seq }
    }
}
