//! The measurements of one server.

mod bench;
pub(crate) mod comparison;
pub(crate) mod curves;
pub(crate) mod edges;
mod events;
pub(crate) mod footprint;
pub(crate) mod logging;
pub(crate) mod mlflow;
pub(crate) mod page;
mod reading;
mod sealing;
pub(crate) mod writing;

pub(crate) use bench::Bench;
