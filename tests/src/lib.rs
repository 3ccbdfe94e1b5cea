//! What the end-to-end tests drive mlbench with: the real binaries, started and ended by the test.
//!
//! Every [`TestServer`] has a port and a temporary directory of its own and leaves nothing behind, however its test
//! ends. Nothing here sleeps: [`eventually`] polls a condition until a deadline.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends with a panic")]

mod binaries;
mod cli;
mod http;
mod processes;
mod runs;
mod server;
pub mod tools;
mod wait;

pub use binaries::binary;
pub use cli::{Cli, Ended, run_program};
pub use http::{Answer, Request};
pub use processes::{Process, processes_with};
pub use runs::new_run;
pub use server::{ServerOptions, TestServer};
pub use wait::{PATIENCE, eventually};

/// The Rust examples of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
