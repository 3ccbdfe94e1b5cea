//! The needs of a run, which its request, its specification and the run itself share.

use serde::{Deserialize, Serialize};

use super::byte_size::ByteSize;
use super::object_name::ObjectName;
use super::placement::{NodeSelector, Toleration};
use super::secret_environment::SecretEnvironment;
use super::time_limit::TimeLimit;
use super::volume::Volume;
use super::working_dir::WorkingDir;
use crate::goal::Goal;

/// What a run asks of every worker, and what ends it. `None` leaves it to the server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct RunNeeds {
    /// Memory per worker in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "number"))]
    pub memory: Option<ByteSize>,
    /// Size of `/dev/shm` per worker in bytes. Defaults to half of the memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "number"))]
    pub shm_size: Option<ByteSize>,
    /// GPUs per worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub gpus: Option<u32>,
    /// Directory in which the command starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "string"))]
    pub working_dir: Option<WorkingDir>,
    /// Longest time from the admission of the run to its end, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "number"))]
    pub time_limit: Option<TimeLimit>,
    /// Which value of which metric the run is to reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub goal: Option<Goal>,
    /// Whether the first point that reaches the goal ends the run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, ts(as = "Option<_>", optional))]
    pub stop_at_goal: bool,
    /// Environment variables of the command with the keys of Secrets that have their values.
    #[serde(default, skip_serializing_if = "SecretEnvironment::is_empty")]
    #[cfg_attr(test, ts(type = "Record<string, SecretKey>", optional))]
    pub env_from_secrets: SecretEnvironment,
    /// Volumes that every worker mounts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, ts(as = "Option<Vec<Volume>>", optional))]
    pub volumes: Vec<Volume>,
    /// Labels that the nodes of the workers must have.
    #[serde(default, skip_serializing_if = "NodeSelector::is_empty")]
    #[cfg_attr(test, ts(type = "Record<string, string>", optional))]
    pub node_selector: NodeSelector,
    /// Taints of nodes that the workers tolerate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, ts(as = "Option<Vec<Toleration>>", optional))]
    pub tolerations: Vec<Toleration>,
    /// Priority class of the workers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "string"))]
    pub priority_class: Option<ObjectName>,
    /// Service account of the workers, whose token they get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "string"))]
    pub service_account: Option<ObjectName>,
    /// Secrets for pulling the image, besides those of the server's settings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, ts(type = "Array<string>", optional))]
    pub image_pull_secrets: Vec<ObjectName>,
}

impl RunNeeds {
    /// Maximum number of GPUs per worker.
    pub const MAX_GPUS: u32 = 1024;
    /// Maximum number of Secrets for pulling the image.
    pub const MAX_PULL_SECRETS: usize = 16;
}
