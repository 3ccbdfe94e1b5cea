//! What a store tells about itself, for whoever watches the server.

use crate::metric::{MetricName, MetricValue};
use crate::name::PodName;
use crate::run::RunState;

/// How a store is and what it did since it was opened. Nothing in it is found by looking at points.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StoreStats {
    /// How many runs there are in each state, for the states that have any.
    pub runs: Vec<(RunState, u64)>,
    /// How many points are stored.
    pub points: u64,
    /// The newest value of every metric of the pods that are in the cluster now, by metric, then by pod.
    pub newest: Vec<NewestValue>,
    /// Bytes that the database takes on disk.
    pub database_bytes: u64,
    /// Bytes of its write-ahead log.
    pub log_bytes: u64,
    /// Writes that wait for the writer.
    pub waiting_writes: u64,
    /// How many writes each transaction held.
    pub writes_per_commit: HistogramSnapshot,
    /// How long each transaction took until it was on disk, in seconds.
    pub commit_seconds: HistogramSnapshot,
}

/// What a pod reported last under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewestValue {
    /// The metric.
    pub name: MetricName,
    /// The pod.
    pub pod: PodName,
    /// The value of its newest point.
    pub value: MetricValue,
}

/// How measurements are spread.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HistogramSnapshot {
    /// The upper bounds of the classes, ascending, and how many measurements each holds.
    pub buckets: Vec<(f64, u64)>,
    /// Measurements above the last bound.
    pub overflow: u64,
    /// All measurements added up.
    pub sum: f64,
}
