//! The command line: what it prints and how it ends.

mod exit_codes;
mod metrics;
mod runs;
