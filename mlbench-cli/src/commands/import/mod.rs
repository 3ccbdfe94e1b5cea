//! `mlbench import`: brings the metrics of files to the server, as external runs.

mod batch;
mod command;
mod csv_file;
mod csv_rows;
mod discover;
mod events;
mod journal;
mod number;
mod open;
mod run_import;
mod source;
mod summary;
mod upload;

pub(super) use command::import;
