//! End-to-end tests on the real binaries; the folders mirror the resources and the programs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends with a panic")]

mod bad_input;
mod cli;
mod endpoints;
mod metrics;
mod mpirun;
mod process;
mod python_client;
mod readme;
mod runs;
mod spec;
