//! Carries runs from one server to another.

mod export;
mod import;

pub use export::{Export, Usage, export};
pub use import::{Import, find_imported};
