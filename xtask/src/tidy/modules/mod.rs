//! Which file imports what from which other file, read from `use` trees and paths.

mod cycles;
mod imports;
mod map;
mod syntax;
mod tokens;

pub(crate) use cycles::{Cycle, cycles};
pub(crate) use imports::{Import, imports};
