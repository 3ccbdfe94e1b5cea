//! Types for storing and listing runs.

use std::sync::Arc;

use crate::name::RunId;
use crate::run::Run;

/// Returns whether the caller has a run in its cache.
pub type IsCached = Arc<dyn Fn(RunId) -> bool + Send + Sync>;

/// An item in a list of runs.
#[derive(Debug, Clone, PartialEq)]
pub enum RunEntry {
    /// A run that the caller has in its cache.
    Cached(RunId),
    /// A run that was read from the store.
    Loaded(Box<Run>),
}

impl RunEntry {
    /// Returns the id of the run.
    #[must_use]
    pub fn id(&self) -> RunId {
        match self {
            Self::Cached(id) => *id,
            Self::Loaded(run) => run.id,
        }
    }
}

/// How a rank ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RankExit {
    /// It exited with this code, 128 + n for signal n.
    Exited(i32),
    /// Its exit code cannot be known, for this reason.
    Lost(String),
}

/// The SHA-256 hash of a token. The token itself is never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenHash(pub [u8; 32]);
