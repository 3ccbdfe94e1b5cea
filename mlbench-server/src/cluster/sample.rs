//! Resource metrics of worker pods.

use mlbench_core::{PodName, Timestamp};

/// The resource usage of a pod at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct PodSample {
    /// The pod.
    pub pod: PodName,
    /// When it was measured.
    pub date: Timestamp,
    /// Values by cAdvisor's metric names. Those ending in `_total` are cumulative and never fall.
    pub values: Vec<(&'static str, f64)>,
}
