//! The commands that talk to a server, one file or folder per resource.
//!
//! Each command sends its requests and prints the response.

mod connect;
mod context;
mod dispatch;
mod import;
mod log;
mod login;
mod metrics;
mod pods;
mod port_forward;
mod python;
mod resolve;
mod runs;
mod target;
#[cfg(test)]
mod testing;
mod top;

pub(crate) use connect::builder;
pub(crate) use context::context;
pub(crate) use dispatch::run;
pub(crate) use login::{login, logout};
pub(crate) use python::print_dashboard_url;
pub(crate) use top::restore as restore_terminal;
