//! Worker pods as the cluster shows them.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::PodName;

/// The labels of a pod, sorted by key.
pub type Labels = BTreeMap<String, String>;

/// A worker pod, in a real cluster or of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// Its name, unique in the cluster.
    pub name: PodName,
    /// Its labels.
    pub labels: Labels,
    /// Where it is in its life.
    pub phase: PodPhase,
    /// Its address, empty while unknown.
    pub ip: String,
}

/// Where a pod is in its life, in the words of Kubernetes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PodPhase {
    /// Accepted, its containers do not all run yet.
    Pending,
    /// Bound to a node, its containers were started.
    Running,
    /// All containers ended well.
    Succeeded,
    /// A container ended badly.
    Failed,
    /// The node does not answer.
    #[serde(other)]
    Unknown,
}

impl PodPhase {
    /// The word of the specification (`Running`).
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

    /// The phase a word names; any other word is `Unknown`.
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
