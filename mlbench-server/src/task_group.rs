//! Groups of background tasks. All tasks of the server are spawned here, so that all of them stop.
//!
//! `Server::stop` stops the groups one after the other. Each task gets a token and returns soon after its cancellation.
//! A task that misses the deadline is abandoned and logged.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Tasks that are stopped together.
#[derive(Debug, Clone)]
pub struct TaskGroup {
    name: &'static str,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl TaskGroup {
    /// Returns an empty group.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self { name, stop: CancellationToken::new(), tasks: TaskTracker::new() }
    }

    /// Returns the token that is cancelled when the group stops.
    #[must_use]
    pub fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Spawns a task, which must return after the cancellation of [`TaskGroup::stop_token`].
    pub fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(task);
    }

    /// Cancels the token and waits for the tasks, at most for `timeout`.
    pub async fn stop(&self, timeout: Duration) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(timeout, self.tasks.wait()).await.is_err() {
            tracing::warn!(group = self.name, left = self.tasks.len(), "tasks did not stop in time");
        }
    }
}
