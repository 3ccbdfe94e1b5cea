//! The built-in reference benchmarks: distributed programs of which one process runs per worker.
//!
//! They accept the arguments of the official images, so that a run starts them in the same way. The workers
//! exchange data over TCP at the addresses that the run passes them. Started by hand without arguments, a
//! benchmark runs on one worker and prints its results.

mod all_reduce;
mod args;
mod clock;
mod command;
mod data;
mod error;
mod logistic_regression;
mod partition;
mod pin;
mod report;
mod ring;
mod world;

pub(crate) use command::{BenchmarkArgs, run};
pub(crate) use error::Error;
