//! What changed between two arrival numbers: runs, the list of pods, output lines and points.

mod collect;
mod page;
pub(super) mod read;
