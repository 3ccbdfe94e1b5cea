//! The command line: its output and exit codes.

mod completion;
mod exit_codes;
mod kube;
mod log;
mod metrics;
mod record;
mod runs;
mod streams;
mod terminal;
mod version;
mod waiting;
