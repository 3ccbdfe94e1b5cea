//! How the rest of the server reaches the launcher, and hears from it.

use std::sync::Arc;
use std::time::Duration;

use mlbench_core::run::Run;
use mlbench_core::storage::Storage;
use mlbench_core::{Result, RunId};
use tokio::sync::{Notify, watch};

/// How the rest of the server reaches the launcher.
#[derive(Debug, Clone)]
pub struct LauncherHandle {
    wake: Arc<Notify>,
    changes: Arc<watch::Sender<u64>>,
}

impl Default for LauncherHandle {
    fn default() -> Self {
        Self { wake: Arc::new(Notify::new()), changes: Arc::new(watch::Sender::new(0)) }
    }
}

impl LauncherHandle {
    /// Makes the launcher look again, soon.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Completes when somebody called [`LauncherHandle::wake`].
    pub async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Tells everybody who waits that a run changed.
    pub fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// Wakes its owner when a run changed. New output alone is no change: a busy run writes some hundred times a
    /// second.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The run as soon as `settled` holds of it, or as it is when `patience` is over.
    ///
    /// # Errors
    /// What [`Storage::run`] refuses.
    pub async fn wait_until(
        &self,
        storage: &dyn Storage,
        id: RunId,
        patience: Duration,
        settled: impl Fn(&Run) -> bool + Send,
    ) -> Result<Run> {
        let deadline = tokio::time::Instant::now() + patience;
        let mut changes = self.changes();
        loop {
            let run = storage.run(id).await?;
            if settled(&run) || tokio::time::timeout_at(deadline, changes.changed()).await.is_err() {
                return Ok(run);
            }
        }
    }
}
