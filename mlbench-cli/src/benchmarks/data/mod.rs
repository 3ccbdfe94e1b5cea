//! Training data: labelled rows, their sources, and the shard of each rank.

mod error;
mod libsvm;
mod random;
mod rows;
mod shard;
mod source;
mod synthetic;

pub(super) use error::Error;
pub(super) use random::Random;
pub(super) use rows::Rows;
pub(super) use shard::Shard;
pub(super) use source::Source;
pub(super) use synthetic::{Shape, Synthetic};
