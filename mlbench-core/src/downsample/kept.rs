//! Points of a downsampled series: kept ones and computed ones.

use std::num::NonZero;

use crate::time::Timestamp;

/// A computed point. `None` is a gap: the points it replaces contain no finite number.
pub type PointOrGap = (Timestamp, Option<f64>);

/// A point of a series, which a method may keep as it was posted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Time of the measurement.
    pub date: Timestamp,
    /// The value, `None` if it is not a finite number.
    pub number: Option<f64>,
    /// Arrival number, by which the caller finds the point again.
    ///
    /// `None` if date and number say all about it: then the number prints as the value that was posted.
    pub seq: Option<NonZero<i64>>,
}
