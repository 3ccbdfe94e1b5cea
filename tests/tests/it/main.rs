//! End-to-end tests on the real binaries; the folders mirror the resources and the programs.

mod bad_input;
mod cli;
mod metrics;
mod mpirun;
mod process;
mod python_client;
mod readme;
mod runs;
mod spec;
