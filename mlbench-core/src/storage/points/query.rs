//! Queries for points.

use std::sync::Arc;

use crate::metric::{MetricName, Owner};
use crate::time::Timestamp;

/// A query for the points of one owner.
///
/// Filters apply in this order: arrival, dates, names, downsampling, `last_n`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointsQuery {
    /// Owner of the points.
    pub owner: Owner,
    /// Only points that arrived after the point with this arrival number.
    ///
    /// Excludes `downsampling` and `last_n`.
    pub arrived_after: Option<i64>,
    /// Only points up to this arrival number.
    ///
    /// `None` for all points that are stored when the first page is read.
    pub as_of: Option<i64>,
    /// Only points at or after this date.
    pub since: Timestamp,
    /// Only points at or before this date.
    pub until: Timestamp,
    /// Only series with these names. Empty for all series. Shared by the queries of all owners of a list.
    pub names: Arc<[MetricName]>,
    /// How to reduce the number of points per series.
    pub downsampling: Option<Downsampling>,
    /// Only the newest points of each series, at least 1.
    ///
    /// Excludes `downsampling` by any method but [`Summary`](DownsamplingMethod::Summary).
    pub last_n: Option<u32>,
    /// Whether points come with [`PointDetails`](super::sink::PointDetails).
    pub details: bool,
}

/// A limit on the points or buckets per series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Downsampling {
    /// The method.
    pub method: DownsamplingMethod,
    /// Maximum number of points or buckets per series, at least 1.
    pub max_points: u32,
}

/// A method of [downsampling](crate::downsample).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DownsamplingMethod {
    /// Means of consecutive points.
    ///
    /// A series with a value that is not a finite number is cut to its newest points.
    Summary,
    /// Buckets with their extremes and ends.
    MinMax,
    /// Largest-Triangle-Three-Buckets.
    Lttb,
    /// Means between the first and the last point.
    Mean,
}

impl PointsQuery {
    /// Creates a query for all points of an owner.
    #[must_use]
    pub fn all(owner: Owner) -> Self {
        Self {
            owner,
            arrived_after: None,
            as_of: None,
            since: Timestamp::EPOCH,
            until: Timestamp::MAX,
            names: Arc::new([]),
            downsampling: None,
            last_n: None,
            details: false,
        }
    }
}
