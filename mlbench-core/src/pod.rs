//! Worker pods.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::PodName;

/// Labels of a pod, sorted by key.
pub type Labels = BTreeMap<String, String>;

/// A worker pod, in a Kubernetes cluster or simulated by a local process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// Name of the pod, unique in the cluster.
    pub name: PodName,
    /// Labels of the pod.
    pub labels: Labels,
    /// Lifecycle phase.
    pub phase: PodPhase,
    /// IP address, empty while unknown.
    pub ip: String,
}

/// Lifecycle phase of a pod, as defined by Kubernetes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub enum PodPhase {
    /// Accepted, but not all containers run yet.
    Pending,
    /// Bound to a node, with its containers started.
    Running,
    /// All containers exited successfully.
    Succeeded,
    /// All containers exited and at least one failed.
    Failed,
    /// The state cannot be determined, usually because the node does not respond.
    #[serde(other)]
    Unknown,
}

impl PodPhase {
    /// Returns the name of the phase in the specification (`Running`).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Unknown => "Unknown",
        }
    }

    /// Parses the name of a phase. Every other word is `Unknown`.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        [Self::Pending, Self::Running, Self::Succeeded, Self::Failed]
            .into_iter()
            .find(|phase| phase.as_str() == word)
            .unwrap_or(Self::Unknown)
    }
}

impl fmt::Display for PodPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
