//! The needs of a run, which its request, its specification and the run itself share.

use serde::{Deserialize, Serialize};

use super::byte_size::ByteSize;
use super::time_limit::TimeLimit;
use super::working_dir::WorkingDir;

/// What a run asks of every worker. `None` leaves it to the server.
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
}

impl RunNeeds {
    /// Maximum number of GPUs per worker.
    pub const MAX_GPUS: u32 = 1024;
}
