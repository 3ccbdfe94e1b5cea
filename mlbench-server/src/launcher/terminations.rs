//! When ranks got SIGTERM, which every rank gets once from one server process.
//!
//! Many programs abort their clean-up on the second one. A deletion may follow a stop, and a supervisor may have signalled
//! the ranks before the deletion was stored.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mlbench_core::RunId;
use tokio::time::Instant;

/// When this server has sent SIGTERM to the ranks of its runs.
#[derive(Debug, Clone, Default)]
pub(super) struct Terminations(Arc<Mutex<HashMap<(RunId, u32), Instant>>>);

impl Terminations {
    /// Notes that a rank has got SIGTERM.
    pub(super) fn note(&self, run: RunId, rank: u32) {
        self.sent().entry((run, rank)).or_insert_with(Instant::now);
    }

    /// Returns how long ago a rank got SIGTERM, if it has.
    pub(super) fn age(&self, run: RunId, rank: u32) -> Option<Duration> {
        self.sent().get(&(run, rank)).map(Instant::elapsed)
    }

    /// Returns the ranks of a run that have got SIGTERM, and how long ago.
    pub(super) fn of(&self, run: RunId) -> Vec<(u32, Duration)> {
        let sent = self.sent();
        let of_run = sent.iter().filter(|((id, _), _)| *id == run);
        of_run.map(|((_, rank), at)| (*rank, at.elapsed())).collect()
    }

    /// Forgets all other runs.
    pub(super) fn retain(&self, is_known: impl Fn(RunId) -> bool) {
        self.sent().retain(|&(run, _), _| is_known(run));
    }

    fn sent(&self) -> MutexGuard<'_, HashMap<(RunId, u32), Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
