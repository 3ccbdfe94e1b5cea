//! Cursors that continue reading on the next page.

use super::sink::PointSink;
use crate::downsample::Downsampler;
use crate::metric::MetricName;
use crate::time::Timestamp;

/// A page that was passed to a sink.
pub struct PointsPage {
    /// The sink that received the page.
    pub sink: Box<dyn PointSink>,
    /// Arrival number of the newest point in this snapshot.
    ///
    /// Pass it as `arrived_after` to read only what arrived later.
    pub as_of: i64,
    /// Start of the next page. `None` on the last page.
    pub next: Option<PointsCursor>,
}

/// A position between two pages, to be interpreted only by the store that created it.
///
/// All pages show the store as of the first page. Points that arrive in between are not included.
#[derive(Debug, Clone)]
pub struct PointsCursor {
    /// The series that was read last.
    pub series: MetricName,
    /// Position within that series.
    pub progress: SeriesCursor,
    /// Arrival number of the newest point in this snapshot.
    pub as_of: i64,
}

/// A position within a series. Pairs of date and arrival number identify points.
#[derive(Debug, Clone)]
pub enum SeriesCursor {
    /// The series is complete.
    Done,
    /// Reading has not begun: the points that a query selects are counted.
    Counting {
        /// Number of points up to `after`.
        counted: u64,
        /// The last point that was counted.
        after: (Timestamp, i64),
    },
    /// Reading has not begun: the points are searched for a value that has no mean.
    Checking {
        /// Number of points that the query selects.
        length: u64,
        /// The last point that was checked.
        after: (Timestamp, i64),
    },
    /// Reading has not begun: its first point is searched from the end of the series.
    FromEnd {
        /// Number of points from the first one to `before`, at least 1.
        left: u64,
        /// The last point that was passed.
        before: (Timestamp, i64),
        /// The state of downsampling, if the series is downsampled.
        downsampler: Option<Box<Downsampler>>,
    },
    /// Reading continues after this point.
    Points {
        /// The last point that was read.
        after: (Timestamp, i64),
    },
    /// Reading continues with these out-of-order points. The in-order points follow.
    Late {
        /// The out-of-order points that are left, in order.
        late: std::vec::IntoIter<(Timestamp, i64)>,
        /// The in-order points start after this point.
        others: (Timestamp, i64),
    },
    /// Downsampling continues after this point.
    Downsampled {
        /// The last point that was read.
        after: (Timestamp, i64),
        /// The state of downsampling.
        downsampler: Box<Downsampler>,
    },
}
