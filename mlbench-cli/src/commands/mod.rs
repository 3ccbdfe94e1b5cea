//! The commands that talk to a server, one file or folder per resource.
//!
//! Each command sends its requests and prints the response.

mod connect;
mod dispatch;
mod import;
mod log;
mod metrics;
mod pods;
mod port_forward;
mod resolve;
mod runs;
mod target;
#[cfg(test)]
mod testing;
mod top;

pub(crate) use connect::{builder, read_token};
pub(crate) use dispatch::run;
pub(crate) use top::restore as restore_terminal;
