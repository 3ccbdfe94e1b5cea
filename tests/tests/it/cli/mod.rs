//! The command line: what it prints and how it ends.

mod exit_codes;
mod kube;
mod metrics;
mod runs;
mod streams;
mod waiting;
