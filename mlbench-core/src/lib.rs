//! Domain types, wire types and rules of mlbench.
//!
//! This crate does no input or output and reads no clock: time, randomness and ports are passed in.
//! The server, the client and the command line share it, so every type that crosses the wire lives here once.

pub mod api;
pub mod downsample;
pub mod error;
pub mod metric;
pub mod name;
pub mod pod;
pub mod queue;
pub mod run;
pub mod storage;
pub mod time;

pub use error::{Error, ErrorCode, Result};
pub use metric::{MetricName, MetricValue, Owner, Point};
pub use name::{PodName, RunId, RunName};
pub use pod::{Pod, PodPhase};
pub use run::{RunEvent, RunState};
pub use time::Timestamp;
