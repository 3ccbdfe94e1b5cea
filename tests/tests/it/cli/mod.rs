//! The command line: its output and exit codes.

mod completion;
mod exit_codes;
mod kube;
mod log;
mod metrics;
mod output;
mod record;
mod runs;
mod selection;
mod streams;
mod terminal;
mod waiting;
