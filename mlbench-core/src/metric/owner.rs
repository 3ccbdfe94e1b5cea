//! Owners of metrics: worker pods and runs.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::name::{PodName, RunId};

/// The pod or the run that a metric belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// A worker pod that is or was in the cluster.
    Pod(PodName),
    /// A run.
    Run(RunId),
}

impl Owner {
    /// Builds the owner from the two fields of the wire, of which exactly one is given.
    pub(crate) fn from_fields(pod_name: Option<PodName>, run_id: Option<RunId>) -> Result<Self> {
        match (pod_name, run_id) {
            (Some(name), None) => Ok(Self::Pod(name)),
            (None, Some(id)) => Ok(Self::Run(id)),
            (Some(_), Some(_)) => {
                Err(Error::invalid("pod_name, run_id", "both are given; send only one of them"))
            }
            (None, None) => Err(Error::invalid("pod_name, run_id", "missing; send one of them")),
        }
    }

    /// Returns whether the owner is a pod or a run.
    #[must_use]
    pub const fn kind(&self) -> MetricType {
        match self {
            Self::Pod(_) => MetricType::Pod,
            Self::Run(_) => MetricType::Run,
        }
    }

    /// Returns the name of the pod or the id of the run, as the last segment of a metrics path.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Pod(name) => name.to_string(),
            Self::Run(id) => id.to_string(),
        }
    }
}

/// Writes `pod worker-0` or `run 3`, for use in sentences.
impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pod(name) => write!(f, "pod {name}"),
            Self::Run(id) => write!(f, "run {id}"),
        }
    }
}

/// The query parameter `metric_type`: whether a path segment names a pod or a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricType {
    /// Metrics of worker pods.
    #[default]
    Pod,
    /// Metrics of runs.
    Run,
}

impl MetricType {
    /// Returns the wire form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pod => "pod",
            Self::Run => "run",
        }
    }
}
