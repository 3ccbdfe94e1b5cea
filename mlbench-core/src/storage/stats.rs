//! Statistics of the store.

use crate::metric::{MetricName, MetricValue};
use crate::name::PodName;
use crate::run::RunState;

/// State of the store and its activity since it was opened. Collecting it reads no points.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StoreStats {
    /// Number of runs per state, without states that have none.
    pub runs: Vec<(RunState, u64)>,
    /// Number of stored points.
    pub points: u64,
    /// Number of points that wait to be packed, about.
    pub points_unpacked: u64,
    /// Number of points received since the store was opened whose date was more than a minute ahead.
    pub points_ahead: u64,
    /// Newest value of every metric of the pods in the cluster, by metric, then by pod.
    pub newest: Vec<NewestValue>,
    /// Whether `newest` leaves out metrics, because the pods have too many.
    pub newest_truncated: bool,
    /// Size of the database on disk, in bytes.
    pub database_bytes: u64,
    /// Size of the write-ahead log, in bytes.
    pub log_bytes: u64,
    /// Whether the last write failed because the disk did not take it.
    pub failing: bool,
    /// Number of queued writes.
    pub waiting_writes: u64,
    /// Number of writes per transaction.
    pub writes_per_commit: HistogramSnapshot,
    /// Duration of transactions including the sync to disk, in seconds.
    pub commit_seconds: HistogramSnapshot,
}

/// The newest value of one metric of one pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewestValue {
    /// Name of the metric.
    pub name: MetricName,
    /// Name of the pod.
    pub pod: PodName,
    /// Value of the point that arrived last.
    pub value: MetricValue,
}

/// A snapshot of a histogram.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HistogramSnapshot {
    /// Upper bound of each bucket in ascending order, and the number of observations in it.
    pub buckets: Vec<(f64, u64)>,
    /// Number of observations above the last bound.
    pub overflow: u64,
    /// Sum of all observations.
    pub sum: f64,
}
