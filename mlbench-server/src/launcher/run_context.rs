//! State that the supervisor of a run shares with the followers of its ranks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use mlbench_core::{Result, RunId, Timestamp};
use tokio::sync::OnceCell;

use super::deps::LauncherDeps;
use super::outage::{self, Caller, Outages};
use super::recorder::RunRecorder;
use crate::cluster::ClusterError;
use crate::token::Token;

/// In how many reads a follower reads the rest of the output, once the store has room for it.
const CATCH_UP_READS: u32 = 100;

/// State that the supervisor of a run shares with the followers of its ranks.
pub(super) struct RunContext<'a> {
    pub(super) deps: &'a LauncherDeps,
    pub(super) id: RunId,
    pub(super) recorder: RunRecorder<'a>,
    outages: Outages,
    last_end: Mutex<Option<Timestamp>>,
    /// The token of the workers, once it is needed.
    token: OnceCell<Option<Token>>,
    /// The reads that a follower may still take, once it goes on.
    held_up: Mutex<BTreeMap<u32, u32>>,
}

impl<'a> RunContext<'a> {
    pub(super) fn new(deps: &'a LauncherDeps, id: RunId) -> Self {
        Self {
            deps,
            id,
            recorder: RunRecorder::new(deps, id),
            outages: Outages::default(),
            last_end: Mutex::default(),
            token: OnceCell::new(),
            held_up: Mutex::default(),
        }
    }

    /// Returns the token with which the workers post metrics, or `None` if the server requires none.
    ///
    /// Only hashes are stored, so each supervisor creates a token of its own. All are valid until the run ends.
    ///
    /// # Errors
    /// Any error of the store.
    pub(super) async fn token(&self) -> Result<Option<Token>> {
        let create = || async {
            if !self.deps.settings.run_tokens {
                return Ok(None);
            }
            let token = Token::random()?;
            self.recorder.add_token(token.hash()).await?;
            tracing::debug!(run = %self.id, "created a run token");
            Ok(Some(token))
        };
        self.token.get_or_try_init(create).await.cloned()
    }

    /// Notes when the command of a rank ended.
    pub(super) fn ended(&self, date: Timestamp) {
        let mut last = self.last_end.lock().unwrap_or_else(PoisonError::into_inner);
        *last = (*last).max(Some(date));
    }

    /// Returns when the command of the last rank ended, if that is known.
    pub(super) fn last_end(&self) -> Option<Timestamp> {
        *self.last_end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the store has no room for the output of a rank now.
    pub(super) fn hold_up(&self, rank: u32) {
        self.holds().insert(rank, CATCH_UP_READS);
    }

    /// Returns the ranks whose ends this server cannot know, because it could not store their output.
    pub(super) fn held_up(&self) -> BTreeSet<u32> {
        self.holds().keys().copied().collect()
    }

    /// Notes that a rank, which goes on, was read. One without new output has been read to its end.
    pub(super) fn has_read(&self, rank: u32, is_empty: bool) {
        let mut holds = self.holds();
        if let Some(left) = holds.get_mut(&rank) {
            *left -= 1;
            if is_empty || *left == 0 {
                holds.remove(&rank);
            }
        }
    }

    fn holds(&self) -> MutexGuard<'_, BTreeMap<u32, u32>> {
        self.held_up.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the outage of `caller`: the cluster responded.
    pub(super) fn responded(&self, caller: Caller) {
        self.outages.responded(caller);
    }

    /// Begins or continues the outage of `caller`, and writes a long one into the log of the run.
    ///
    /// # Errors
    /// Any error of the store.
    pub(super) async fn unreachable(&self, caller: Caller, error: &ClusterError) -> Result<()> {
        tracing::debug!(?caller, %error, "the cluster did not respond");
        match self.outages.unreachable(caller) {
            Some(duration) => {
                let message = outage::message(&error.to_string(), duration);
                self.recorder.append_server_message(&message).await
            }
            None => Ok(()),
        }
    }
}
