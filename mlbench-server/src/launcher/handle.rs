//! [`LauncherHandle`] connects the launcher and the rest of the server.

use std::sync::Arc;
use std::time::Duration;

use mlbench_core::run::Run;
use mlbench_core::storage::Storage;
use mlbench_core::{Result, RunId};
use tokio::sync::{Notify, watch};

use super::ages::Ages;
use super::end_requests::EndRequests;
use super::terminations::Terminations;
use super::unfinished::UnfinishedLines;

/// Wakes the launcher, and notifies the rest of the server of its changes.
#[derive(Debug, Clone)]
pub struct LauncherHandle {
    wake: Arc<Notify>,
    changes: Arc<watch::Sender<u64>>,
    unfinished: UnfinishedLines,
    end_requests: EndRequests,
    ages: Ages,
    terminations: Terminations,
}

impl Default for LauncherHandle {
    fn default() -> Self {
        Self {
            wake: Arc::new(Notify::new()),
            changes: Arc::new(watch::Sender::new(0)),
            unfinished: UnfinishedLines::default(),
            end_requests: EndRequests::default(),
            ages: Ages::default(),
            terminations: Terminations::default(),
        }
    }
}

impl LauncherHandle {
    /// Makes the launcher reconcile soon.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Completes after a call of [`LauncherHandle::wake`].
    pub async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Notifies all receivers that a run changed.
    pub fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// Returns the lines of running ranks that have no end yet.
    #[must_use]
    pub const fn unfinished(&self) -> &UnfinishedLines {
        &self.unfinished
    }

    /// Returns the requests to end a run that are not stored yet.
    #[must_use]
    pub const fn end_requests(&self) -> &EndRequests {
        &self.end_requests
    }

    /// Returns how long ago runs were admitted.
    pub(super) const fn ages(&self) -> &Ages {
        &self.ages
    }

    /// Returns when ranks got SIGTERM.
    pub(super) const fn terminations(&self) -> &Terminations {
        &self.terminations
    }

    /// Returns a receiver that is notified of every change of a run.
    ///
    /// New output alone does not count as a change: a busy run writes hundreds of times per second.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Returns as soon as a deleted run holds no workers, or after `timeout`.
    ///
    /// # Errors
    /// Those of [`Storage::deleted_runs`].
    pub async fn wait_for_teardown(&self, storage: &dyn Storage, id: RunId, timeout: Duration) -> Result<()> {
        let deadline = tokio::time::Instant::now() + timeout;
        let mut changes = self.changes();
        while storage.deleted_runs().await?.iter().any(|run| run.id == id) {
            if tokio::time::timeout_at(deadline, changes.changed()).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Returns the run as soon as it satisfies `settled`, or as it is after `timeout`.
    ///
    /// # Errors
    /// Those of [`Storage::run`].
    pub async fn wait_until(
        &self,
        storage: &dyn Storage,
        id: RunId,
        timeout: Duration,
        settled: impl Fn(&Run) -> bool + Send,
    ) -> Result<Run> {
        let deadline = tokio::time::Instant::now() + timeout;
        let mut changes = self.changes();
        loop {
            let run = storage.run(id).await?;
            if settled(&run) || tokio::time::timeout_at(deadline, changes.changed()).await.is_err() {
                return Ok(run);
            }
        }
    }
}
