//! Query for the newest values of runs.

use crate::metric::MetricName;
use crate::name::RunId;

/// Selects newest values of runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunValuesQuery {
    /// Exact names of metrics. Empty for the accuracy and the loss of each run.
    pub names: Vec<MetricName>,
    /// Only runs with a higher id.
    pub after: Option<RunId>,
    /// Maximum number of runs that the page looks at.
    pub limit: u32,
}
