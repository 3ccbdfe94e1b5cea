//! Types for storing metrics.

use super::idempotency::BatchKey;
use crate::batch::BatchResult;
use crate::error::Result;
use crate::metric::Metric;

/// The result of storing a single metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The metric as stored.
    pub metric: Metric,
    /// Whether an earlier request with the same key stored it.
    pub replayed: bool,
}

/// Points to store in one transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The points in request order.
    pub points: Vec<BatchPoint>,
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

/// The result of storing a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchOutcome {
    /// Which points were stored. The store leaves `last_line` empty.
    pub result: BatchResult,
    /// Whether an earlier request with the same key stored the batch.
    pub replayed: bool,
}
