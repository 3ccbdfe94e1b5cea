//! Domain types, storage interface and API types of mlbench.
//!
//! This crate performs no input or output and reads no clock: callers pass in time, randomness and ports.
//! The layers are domain ← [`storage`] ← [`api`]. No module imports from a layer above its own.

pub mod api;
pub mod batch;
pub mod carried;
pub mod chunk;
pub mod comparison;
pub mod downsample;
pub mod duration;
pub mod environment;
pub mod error;
pub mod experiment;
pub mod goal;
pub mod labels;
pub mod lines;
pub mod log;
pub mod metric;
pub mod name;
pub mod needs;
pub mod number;
pub mod origin;
pub mod pod;
pub mod queue;
pub mod quote;
pub mod run;
pub mod storage;
pub mod time;

pub use environment::Environment;
pub use error::{Error, ErrorCode, Result};
pub use goal::{Direction, Goal};
pub use labels::{ParamValue, Params, Tags};
pub use metric::{MetricName, MetricValue, Owner, Point};
pub use name::{PodName, RunId, RunName};
pub use pod::{Pod, PodPhase};
pub use run::{RunEvent, RunState};
pub use time::Timestamp;
