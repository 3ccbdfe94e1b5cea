//! Positions of points within their series.

use mlbench_core::Timestamp;

/// The position of a point in its series: its date and its arrival number.
pub(crate) type Position = (Timestamp, i64);

/// Returns the position immediately before a point.
pub(crate) const fn just_before((date, seq): Position) -> Position {
    (date, seq - 1)
}
