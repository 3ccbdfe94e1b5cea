//! The command line: its output and exit codes.

mod carry;
mod commands;
mod completion;
mod contexts;
mod exit_codes;
mod import;
mod kube;
mod live;
mod log;
mod metrics;
mod output;
mod python_cli;
mod record;
mod report;
mod run_file;
mod runs;
mod selection;
mod streams;
mod sweep;
mod terminal;
mod top;
mod version;
mod waiting;
