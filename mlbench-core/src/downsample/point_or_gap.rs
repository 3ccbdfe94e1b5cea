//! Points of a downsampled series.

use crate::time::Timestamp;

/// A point of a downsampled series. `None` is a gap: the points it replaces contain no finite number.
pub type PointOrGap = (Timestamp, Option<f64>);
