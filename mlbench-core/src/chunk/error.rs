//! The error of reading a chunk.

use thiserror::Error;

/// Describes what of a chunk is damaged.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{part}: {problem}")]
pub struct ChunkError {
    part: &'static str,
    problem: String,
}

impl ChunkError {
    /// Creates the error of a part of a chunk.
    pub(super) fn new(part: &'static str, problem: impl Into<String>) -> Self {
        Self { part, problem: problem.into() }
    }

    /// Creates the error of a part that ends too early.
    pub(super) fn short(part: &'static str) -> Self {
        Self::new(part, "ends too early")
    }
}
