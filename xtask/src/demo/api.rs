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
