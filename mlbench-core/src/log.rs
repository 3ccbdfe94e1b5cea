//! Lines of a run's output.

use serde::{Deserialize, Serialize};

use crate::run::OutputStream;
use crate::time::Timestamp;

/// One line of a run's output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct LogLine {
    /// Sequence number, ascending within a run across ranks and streams. 0 for an unfinished line.
    pub seq: i64,
    /// Time when the end of the line came.
    pub date: Timestamp,
    /// The rank that wrote the line. `null` for server messages.
    pub rank: Option<u32>,
    /// The stream that the line was written to.
    pub stream: OutputStream,
    /// The line without its line ending.
    pub text: String,
}

impl LogLine {
    /// Returns `[rank] text` as in `job_metadata`, or `[mlbench] text` for server messages.
    #[must_use]
    pub fn labelled(&self) -> String {
        match self.rank {
            Some(rank) => format!("[{rank}] {}", self.text),
            None => format!("[mlbench] {}", self.text),
        }
    }
}
