//! The mlbench server as a library, shared by `main.rs` and the tests.

pub mod app;
pub mod clock;
pub mod cluster;
mod duration_text;
pub mod files;
pub mod histogram;
pub mod http;
pub mod in_place;
pub mod launcher;
pub mod log_queue;
pub mod monitor;
pub mod panics;
pub mod repeats;
pub mod server;
pub mod settings;
#[cfg(test)]
mod skipped;
pub mod sqlite;
pub mod task_group;
pub mod telemetry;
pub mod token;
pub mod upkeep;
pub mod version;
pub mod vitals;
