//! What is measured, and how.

mod bench;
pub(crate) mod footprint;
mod reading;
pub(crate) mod writing;

pub(crate) use bench::Bench;
