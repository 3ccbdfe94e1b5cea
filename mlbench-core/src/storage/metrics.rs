//! Types for storing metrics.

use super::idempotency::BatchKey;
use super::series_columns::SeriesColumns;
use crate::batch::BatchResult;
use crate::error::{Error, Result};
use crate::metric::{Metric, MetricName, Owner};

/// The result of storing a single metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The metric as stored.
    pub metric: Metric,
    /// Whether an earlier request with the same key stored it.
    pub replayed: bool,
}

/// Points to store in one transaction.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// The points in request order.
    pub points: Vec<BatchPoint>,
    /// The series of a columnar request in its order, stored after `points`.
    pub series: Vec<BatchSeries>,
    /// The key under which the client may repeat the batch.
    pub key: Option<BatchKey>,
}

/// A point of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchPoint {
    /// Index of the point in the request.
    pub index: u64,
    /// The metric to store, or the error of parsing it.
    pub metric: Result<Metric>,
}

/// Points of one series of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchSeries {
    /// Index of the series in the request.
    pub index: u64,
    /// The series, or the error of parsing its owner or its name.
    pub series: Result<SeriesName>,
    /// The points to store.
    pub points: SeriesColumns,
    /// The items of the request that are no points, in request order.
    pub rejected: Vec<RejectedItem>,
}

impl BatchSeries {
    /// Adds the series to the result of a batch: as stored, or as rejected for the error in `stored`.
    pub fn report(&self, stored: Result<(), &Error>, result: &mut BatchResult) {
        let items = (self.points.len() + self.rejected.len()) as u64;
        match stored.err().or(self.series.as_ref().err()) {
            Some(error) => result.reject_series(self.index, items, error),
            None => {
                result.accepted += self.points.len() as u64;
                for RejectedItem { item, error } in &self.rejected {
                    result.reject_item(self.index, *item, error);
                }
            }
        }
    }
}

/// The owner and the name of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesName {
    /// The pod or the run that the series belongs to.
    pub owner: Owner,
    /// Name of the metric.
    pub name: MetricName,
}

/// An item of the columns of a series that is no point.
#[derive(Debug, Clone, PartialEq)]
pub struct RejectedItem {
    /// Index of the item in the columns of the request.
    pub item: u64,
    /// Why it is no point.
    pub error: Error,
}

/// The result of storing a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchOutcome {
    /// Which points were stored. The store leaves `last_line` empty.
    pub result: BatchResult,
    /// Whether an earlier request with the same key stored the batch.
    pub replayed: bool,
}
