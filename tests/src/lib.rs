//! Harness of the end-to-end tests: each test starts and stops the real binaries.
//!
//! Every [`TestServer`] has its own port and temporary directory, and leaves no process or file behind, even if its
//! test panics. Tests never sleep: [`eventually`] polls a condition until a deadline.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod binaries;
mod browser;
mod cli;
mod examples;
mod helm;
mod http;
pub mod kube;
mod processes;
mod readme;
mod runs;
mod server;
mod source;
mod terminal;
pub mod tools;
mod wait;

pub use binaries::binary;
pub use browser::{dashboard, measure_page, run_flow};
pub use cli::{Cli, CommandOutput, run_program};
pub use examples::{example_path, example_request};
pub use helm::helm;
pub use http::{Request, Response};
pub use processes::{Process, processes_with};
pub use runs::new_run;
pub use server::{ServerOptions, TestServer};
pub use source::source;
pub use terminal::{Screen, Terminal};
pub use wait::{TIMEOUT, eventually};
