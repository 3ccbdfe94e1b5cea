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
    /// Reading continues after this point.
    Points {
        /// The last point that was read.
        after: (Timestamp, i64),
    },
    /// Reading continues after this out-of-order point. The in-order points follow.
    Late {
        /// The last out-of-order point that was read.
        after: (Timestamp, i64),
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
