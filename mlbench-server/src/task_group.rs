//! Everything that runs beside the requests is started here, and ends here.
//!
//! Tasks are spawned into named groups that the server stops one after the other (see `lib.rs` for the order). A task
//! gets a token and returns soon after it is cancelled; one that does not is left behind at the deadline and named.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A group of tasks that are stopped together.
#[derive(Debug, Clone)]
pub struct TaskGroup {
    name: &'static str,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl TaskGroup {
    /// An empty group.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self { name, stop: CancellationToken::new(), tasks: TaskTracker::new() }
    }

    /// Cancelled when the group is to stop.
    #[must_use]
    pub fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Starts a task in this group. It should watch [`TaskGroup::stop_token`].
    pub fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(task);
    }

    /// Stops the group and waits for its tasks, at most until the deadline.
    pub async fn stop(&self, deadline: Duration) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(deadline, self.tasks.wait()).await.is_err() {
            tracing::warn!(group = self.name, left = self.tasks.len(), "tasks did not stop in time");
        }
    }
}
