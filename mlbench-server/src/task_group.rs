//! Groups of background tasks. All tasks of the server are spawned here, so that all of them stop.
//!
//! `Server::stop` stops the groups one after the other. Each task gets a token and returns soon after its cancellation.
//! A task that misses the deadline is abandoned and logged.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::panics;
use crate::vitals::{Step, Vitals};

/// Pause before a part that failed is started again.
const RESTART_PAUSE: Duration = Duration::from_secs(1);
/// Number of failures in a row after which a part is given up.
const MAX_FAILURES: u32 = 5;
/// A part that worked so long before it failed has no failures in a row.
const CALM: Duration = Duration::from_secs(60);

/// Tasks that are stopped together.
#[derive(Debug, Clone)]
pub struct TaskGroup {
    name: &'static str,
    stop: CancellationToken,
    tasks: TaskTracker,
    vitals: Vitals,
}

impl TaskGroup {
    /// Returns an empty group.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self::reporting_to(name, Vitals::default())
    }

    /// Returns an empty group that reports parts which failed for good.
    #[must_use]
    pub fn reporting_to(name: &'static str, vitals: Vitals) -> Self {
        Self { name, stop: CancellationToken::new(), tasks: TaskTracker::new(), vitals }
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

    /// Spawns a part that the server cannot do without.
    ///
    /// `start` returns its task, or `None` if it cannot start again. The task is dropped when the group stops. If it ends
    /// earlier or panics, the part is started again. A part that fails several times in a row is reported as failed for
    /// good.
    pub fn spawn_part<F>(&self, part: &'static str, start: impl FnMut() -> Option<F> + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, vitals) = (self.stop.clone(), self.vitals.clone());
        self.tasks.spawn(async move {
            if let Some(reason) = stop.run_until_cancelled(keep_alive(part, start, &stop)).await {
                vitals.report(part, &reason);
            }
        });
    }

    /// Begins a step of a part, which counts as hung when it takes very long.
    pub fn step(&self, part: &'static str) -> Step {
        self.vitals.step(part)
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

/// Starts a part again whenever it fails. Returns why it failed last, when it is given up.
///
/// Never returns once the group stops, when a part may end because another one has.
async fn keep_alive<F>(
    part: &'static str,
    mut start: impl FnMut() -> Option<F>,
    stop: &CancellationToken,
) -> String
where
    F: Future<Output = ()>,
{
    let (mut failures, mut reason) = (0, "it cannot start".to_owned());
    while let Some(task) = start() {
        let began = Instant::now();
        reason = match AssertUnwindSafe(task).catch_unwind().await {
            Ok(()) => "it ended".to_owned(),
            Err(panic) => format!("panicked: {}", panics::text(&*panic)),
        };
        if stop.is_cancelled() {
            std::future::pending::<()>().await;
        }
        failures = if began.elapsed() < CALM { failures + 1 } else { 1 };
        if failures == MAX_FAILURES {
            break;
        }
        tracing::error!(part, reason, "a part of the server failed; starting it again");
        sleep(RESTART_PAUSE).await;
    }
    reason
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use super::*;

    /// A group with a part whose task gets the number of its start.
    fn group_with<F>(task: impl Fn(u32) -> F + Send + 'static) -> (TaskGroup, Vitals, Arc<AtomicU32>)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (vitals, starts) = (Vitals::default(), Arc::new(AtomicU32::new(0)));
        let (group, counted) = (TaskGroup::reporting_to("test", vitals.clone()), Arc::clone(&starts));
        group.spawn_part("part", move || Some(task(counted.fetch_add(1, Relaxed) + 1)));
        (group, vitals, starts)
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_panics_or_ends_is_started_again() {
        let (group, vitals, starts) = group_with(async |start| match start {
            1 => panic!("expected"),
            2 => {}
            _ => std::future::pending().await,
        });
        sleep(RESTART_PAUSE * 10).await;
        assert_eq!((starts.load(Relaxed), vitals.failure()), (3, None));
        group.stop(CALM).await;
        assert_eq!(vitals.failure(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_ends_while_its_group_stops_has_not_failed() {
        let (stop, mut starts) = (CancellationToken::new(), 0);
        let start = || {
            starts += 1;
            Some(async { stop.cancel() })
        };
        tokio::time::timeout(CALM, keep_alive("part", start, &stop)).await.unwrap_err();
        assert_eq!(starts, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_keeps_failing_is_reported() {
        let (_group, vitals, starts) = group_with(async |_| panic!("expected"));
        assert_eq!(vitals.failed().await, "the part has failed: panicked: expected");
        assert_eq!(starts.load(Relaxed), MAX_FAILURES);
        assert_eq!(vitals.failure().as_deref(), Some("the part has failed: panicked: expected"));
    }

    #[tokio::test(start_paused = true)]
    async fn rare_failures_do_not_add_up() {
        let (_group, vitals, starts) = group_with(async |_| {
            sleep(CALM).await;
            panic!("expected");
        });
        sleep(CALM * 20).await;
        assert!(starts.load(Relaxed) > MAX_FAILURES);
        assert_eq!(vitals.failure(), None);
    }
}
