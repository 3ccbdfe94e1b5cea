//! Types for storing and listing runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::idempotency::KeyedRequest;
use crate::labels::{Params, TagsPatch};
use crate::name::RunId;
use crate::run::{NewRun, OutputStream, Run, RunOutcome};
use crate::time::Timestamp;

/// Returns whether the caller has a run in its cache.
pub type IsCached = Arc<dyn Fn(RunId) -> bool + Send + Sync>;

/// A request to start a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunStart {
    /// The run.
    pub new: NewRun,
    /// What happens while another run is active.
    pub admission: Admission,
    /// The key under which the client may repeat the request.
    pub key: Option<KeyedRequest>,
}

/// What happens to a new run while another run is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It is refused.
    UnlessActive,
    /// It waits for its turn in a cluster of `capacity` workers.
    Queue {
        /// Number of workers of the cluster.
        capacity: u32,
    },
    /// It executes elsewhere: it is started at once, whatever is active, and holds no worker.
    External {
        /// Whether it ends when it shows no sign of life.
        watched: bool,
    },
}

/// Changes of a run, made in one transaction.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunUpdate {
    /// Parameters to add.
    pub params: Params,
    /// Tags to set or to remove.
    pub tags: TagsPatch,
    /// How an external run ended.
    pub end: Option<ExternalEnd>,
}

/// How an external run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalEnd {
    /// The outcome.
    pub outcome: RunOutcome,
    /// Exit codes by rank.
    pub exit_codes: BTreeMap<u32, i32>,
}

/// Lines of output that an external run sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentLines {
    /// The lines in their order.
    pub lines: Vec<SentLine>,
    /// The key under which the client may repeat the request.
    pub key: Option<KeyedRequest>,
}

/// A line of output that an external run sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentLine {
    /// The rank that wrote it.
    pub rank: u32,
    /// The stream of the rank.
    pub stream: OutputStream,
    /// Time when it came.
    pub date: Timestamp,
    /// The line without its line ending.
    pub text: String,
}

/// The result of a [`RunStart`].
#[derive(Debug, Clone, PartialEq)]
pub struct StartedRun {
    /// The run as it is now.
    pub run: Run,
    /// Whether an earlier request with the same key started it.
    pub replayed: bool,
}

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
