//! Runs: starting, stopping, deleting and listing them.

mod images;
mod lifecycle;
mod lines;
mod list;
mod render;
mod search;
mod spec;
mod values;

pub(in crate::app) use images::{PRECISION, official};
pub(in crate::app) use lifecycle::change;
pub use lifecycle::{Started, delete, get, start, stop, update};
pub use lines::append_lines;
pub use list::RunReader;
pub use search::search;
pub use spec::{RunDefaults, resolve};
pub use values::values;
