//! End-to-end tests on the real binaries, grouped by resource and by program.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod bad_input;
mod browser;
mod cli;
mod client;
mod deploy;
mod endpoints;
mod events;
mod examples;
mod kubernetes;
mod metrics;
mod mpirun;
mod process;
mod python_client;
mod queue;
mod readme;
mod runs;
mod schemathesis;
mod spec;
