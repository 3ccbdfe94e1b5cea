//! Reconciles tasks with the stored runs: exactly one task per run that holds workers.
//!
//! A deleted run is torn down only after its supervisor has returned. Otherwise a launch in progress could land on
//! workers that were just released.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use mlbench_core::run::{Run, RunKey};
use mlbench_core::{Error, Result, RunId};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::deps::LauncherDeps;
use super::supervisor::supervise;
use super::tasks::{ActiveTasks, TaskGuard};
use super::teardown::tear_down;
use crate::cluster::{OrphanSearch, Orphans};
use crate::panics;
use crate::repeats::Repeats;
use crate::task_group::TaskGroup;

/// Time between two reconciliations when nothing wakes the driver.
const RECONCILE_INTERVAL: Duration = Duration::from_secs(3);
/// First and longest time between two checks for orphans, until none is left.
const ORPHAN_CHECK_INTERVALS: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(300));
/// Timeout of one check for orphans.
///
/// No run starts meanwhile, so a worker that does not respond must not prolong it.
const ORPHAN_TIMEOUT: Duration = Duration::from_secs(10);
/// Time between the failure of a run's task (a panic, an error of the store) and its next task.
const RESTART_DELAY: Duration = Duration::from_secs(1);

/// Name of the launcher where it fails or hangs.
const PART: &str = "launcher";

/// Starts the launcher in `group`. It resumes the stored runs immediately.
pub fn start(group: &TaskGroup, deps: LauncherDeps) {
    // A driver that is started again knows the tasks that the one before started.
    let driver = Arc::new(Driver {
        group: group.clone(),
        deps,
        tasks: ActiveTasks::default(),
        wakeup: watch::Sender::new(0),
    });
    group.spawn_part(PART, move || Some(drive(Arc::clone(&driver))));
}

/// Reconciles without end.
async fn drive(driver: Arc<Driver>) {
    let (mut orphans, failures) = (OrphanCheck::default(), Repeats::default());
    loop {
        let work = async {
            let _step = driver.group.step(PART);
            if orphans.is_due() {
                orphans.checked(driver.delete_orphans().await);
            }
            driver.reconcile().await
        };
        if let Err(error) = work.await
            && failures.is_news(&format!("{:?}", error.code()))
        {
            tracing::error!(error = log_text(&error), "cannot read or admit runs");
        }
        tokio::select! {
            () = driver.deps.handle.woken() => driver.wakeup.send_modify(|count| *count += 1),
            () = driver.tasks.finished() => {}
            () = sleep(RECONCILE_INTERVAL) => {}
        }
    }
}

struct Driver {
    group: TaskGroup,
    deps: LauncherDeps,
    tasks: ActiveTasks,
    /// Wakes all supervisors.
    wakeup: watch::Sender<u64>,
}

/// When to check for orphans: after the start of the server, until none is left.
#[derive(Default)]
struct OrphanCheck {
    next: Option<Instant>,
    failures: u32,
    done: bool,
}

impl OrphanCheck {
    fn is_due(&self) -> bool {
        !self.done && self.next.is_none_or(|next| next <= Instant::now())
    }

    /// Takes the number of orphans found, or `None` if the check failed.
    fn checked(&mut self, found: Option<usize>) {
        let (first, longest) = ORPHAN_CHECK_INTERVALS;
        self.done = found == Some(0);
        self.failures = if found.is_some() { 0 } else { self.failures.saturating_add(1) };
        let pause = first.saturating_mul(2_u32.saturating_pow(self.failures.saturating_sub(1)));
        self.next = Some(Instant::now() + pause.min(longest));
    }
}

/// The work of one task.
enum Job {
    Supervise(RunId),
    TearDown(Box<Run>),
}

impl Job {
    const fn run(&self) -> RunId {
        match self {
            Self::Supervise(id) => *id,
            Self::TearDown(run) => run.id,
        }
    }

    async fn execute(&self, deps: &LauncherDeps, wakeup: watch::Receiver<u64>) -> Result<()> {
        match self {
            Self::Supervise(id) => supervise(deps, *id, wakeup).await,
            Self::TearDown(run) => tear_down(deps, run).await,
        }
    }
}

impl Driver {
    /// Deletes what unknown runs have left in the cluster, and returns how much that is.
    ///
    /// A run accepted meanwhile is safe: its supervisor starts later, from this same task.
    async fn delete_orphans(&self) -> Option<usize> {
        let LauncherDeps { storage, cluster, settings, .. } = &self.deps;
        let mut known: Vec<RunKey> = storage.active_runs().await.ok()?.iter().map(RunKey::from).collect();
        known.extend(storage.deleted_runs().await.ok()?.iter().map(RunKey::from));
        let search =
            OrphanSearch { known: &known, last_write: settings.last_write, purge: settings.purge_orphans };
        match timeout(ORPHAN_TIMEOUT, cluster.remove_orphans(&search)).await.ok()? {
            Ok(Orphans { deleting: 0, kept }) => {
                log_kept(&kept);
                Some(0)
            }
            Ok(Orphans { deleting, .. }) => Some(deleting),
            Err(error) => {
                tracing::debug!(%error, "cannot delete resources of unknown runs yet");
                None
            }
        }
    }

    async fn reconcile(&self) -> Result<()> {
        // Without it, ranks must still be stopped and released.
        let admitted = self.admit_runs().await;
        // A queued run needs no task, except to leave the queue.
        let active: BTreeSet<RunId> =
            self.deps.storage.supervised_runs().await?.into_iter().map(|run| run.id).collect();
        self.deps.handle.ages().retain(|id| active.contains(&id));
        let deleted = self.deps.storage.deleted_runs().await?;
        let is_known = |id| active.contains(&id) || deleted.iter().any(|run| run.id == id);
        self.deps.handle.terminations().retain(is_known);
        let active = active.into_iter().map(Job::Supervise);
        for job in active.chain(deleted.into_iter().map(|run| Job::TearDown(Box::new(run)))) {
            if let Some(guard) = self.tasks.register(job.run()) {
                self.start(job, guard);
            }
        }
        // Last, because it may wait for the store.
        if self.deps.handle.end_requests().store_all(&*self.deps.storage).await {
            self.deps.handle.changed();
            self.deps.handle.wake();
        }
        admitted
    }

    /// Admits queued runs while their workers are free.
    async fn admit_runs(&self) -> Result<()> {
        let LauncherDeps { storage, cluster, handle, clock, .. } = &self.deps;
        let capacity = cluster.max_workers();
        if storage.queue(capacity).await?.admissible().is_empty() {
            return Ok(());
        }
        let admitted = storage.admit_runs(capacity, clock.now()).await?;
        if admitted.is_empty() {
            return Ok(());
        }
        for run in admitted {
            tracing::info!(run = %run.id, workers = run.spec.num_workers, "admitted from the queue");
        }
        handle.changed();
        Ok(())
    }

    fn start(&self, job: Job, guard: TaskGuard) {
        let (deps, stop) = (self.deps.clone(), self.group.stop_token());
        let wakeup = self.wakeup.subscribe();
        self.group.spawn(async move {
            let run = guard.run();
            tracing::debug!(%run, "task started");
            let work = async {
                let failure = match AssertUnwindSafe(job.execute(&deps, wakeup)).catch_unwind().await {
                    Ok(Ok(())) => return,
                    Ok(Err(error)) => log_text(&error).to_owned(),
                    Err(panic) => format!("panicked: {}", panics::text(&*panic)),
                };
                tracing::error!(%run, failure, "the task of a run failed; starting another one");
                sleep(RESTART_DELAY).await;
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = work => {}
            }
            drop(guard);
        });
    }
}

/// Names what the last search for orphans has left alone, and how to delete it.
fn log_kept(kept: &[String]) {
    for item in kept {
        tracing::warn!(
            "{item}: this database does not know the run, which may be alive; start the server with --purge to delete it"
        );
    }
}

fn log_text(error: &Error) -> &str {
    error.internal_text().unwrap_or(error.detail())
}
