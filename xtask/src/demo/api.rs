//! What the demo reads of the API.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A run.
#[derive(Debug, Deserialize)]
pub(super) struct Run {
    pub(super) id: u64,
    /// When the server accepted it, in RFC 3339 with microseconds.
    pub(super) created_at: String,
    pub(super) finished_at: Option<String>,
    pub(super) state: String,
    pub(super) job_metadata: JobMetadata,
}

/// The execution of a run.
#[derive(Debug, Deserialize)]
pub(super) struct JobMetadata {
    pub(super) pods: Vec<String>,
    /// Why the run failed.
    pub(super) reason: Option<String>,
}

/// Points by the name of their metric.
pub(super) type PointsByMetric = BTreeMap<String, Vec<Point>>;

/// A point of a metric.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Point {
    /// RFC 3339 with microseconds, so that texts sort by time.
    pub(super) date: String,
    pub(super) value: String,
}

/// A comparison of runs, `mlbench runs compare`.
#[derive(Debug, Deserialize)]
pub(super) struct Comparison {
    pub(super) cores: Option<f64>,
    pub(super) groups: Vec<Group>,
    pub(super) runs: Vec<ComparedRun>,
}

/// Runs with equal parameters.
#[derive(Debug, Deserialize)]
pub(super) struct Group {
    pub(super) parameters: Parameters,
    pub(super) oversubscribed: Option<bool>,
    pub(super) time_to_accuracy: Option<Estimate>,
    /// Why the time is missing.
    pub(super) no_time_reason: Option<String>,
    /// Index of the group that this one is compared with.
    pub(super) baseline: usize,
    pub(super) speed_up: Option<Estimate>,
}

/// Parameters of the runs of a group.
#[derive(Debug, Deserialize)]
pub(super) struct Parameters {
    pub(super) num_workers: usize,
}

/// A median with an interval.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Estimate {
    pub(super) median: f64,
    pub(super) low: f64,
    pub(super) high: Option<f64>,
}

/// A run of a comparison.
#[derive(Debug, Deserialize)]
pub(super) struct ComparedRun {
    pub(super) id: u64,
    pub(super) name: String,
    /// Index of its group.
    pub(super) group: usize,
    pub(super) result: Option<String>,
    pub(super) phases: Option<Phases>,
}

/// What the time of a training went into.
#[derive(Debug, Deserialize)]
pub(super) struct Phases {
    pub(super) shares: Shares,
}

/// Shares of the training time, from 0 to 1.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Shares {
    pub(super) compute: f64,
    pub(super) transfer: Option<f64>,
    pub(super) waiting: Option<f64>,
}
