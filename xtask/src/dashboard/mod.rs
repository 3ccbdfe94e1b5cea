//! `cargo xtask dashboard`: builds the page that the server embeds, and checks its sources.

mod build;
mod checks;
mod node;
mod size;
mod tool;

pub(crate) use build::{build_for_server, run};
pub(crate) use checks::{Checked, check};
