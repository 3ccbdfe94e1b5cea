//! Compares what is stored with the tasks there are: exactly one per run that holds workers.
//!
//! A deleted run is torn down only after its supervisor has ended: a launch that is under way would otherwise land on
//! workers that were just released.

use std::any::Any;
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use mlbench_core::run::{Run, RunKey};
use mlbench_core::{Error, Result, RunId};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};

use super::LauncherDeps;
use super::supervisor::supervise;
use super::teardown::remove;
use crate::task_group::TaskGroup;

/// How often the store is looked at without being woken.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// How often what unknown runs left is looked for until there is nothing.
const ORPHANS_EVERY: Duration = Duration::from_secs(10);
/// How long that may take.
const ORPHANS_PATIENCE: Duration = Duration::from_secs(30);
/// How long a run waits for another task after one that panicked or could not use the store.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Reconciles until the group is stopped.
pub(super) async fn drive(background: TaskGroup, deps: LauncherDeps) {
    let stop = background.stop_token();
    let driver = Driver { background, deps, crew: Arc::default(), nudge: watch::Sender::new(0) };
    let mut orphans = Orphans::default();
    loop {
        let work = async {
            if orphans.are_due() {
                orphans.found(driver.remove_orphans().await);
            }
            driver.reconcile().await
        };
        tokio::select! {
            () = stop.cancelled() => return,
            outcome = work => if let Err(error) = outcome {
                tracing::error!(error = said(&error), "the launcher cannot read what is stored");
            },
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = driver.deps.handle.woken() => driver.nudge.send_modify(|count| *count += 1),
            () = driver.crew.left.notified() => {}
            () = sleep(LOOK_EVERY) => {}
        }
    }
}

struct Driver {
    background: TaskGroup,
    deps: LauncherDeps,
    crew: Arc<Crew>,
    nudge: watch::Sender<u64>,
}

/// When what earlier lives of the server left in the cluster is looked for: at the start, until there is nothing.
#[derive(Default)]
struct Orphans {
    next: Option<Instant>,
    gone: bool,
}

impl Orphans {
    fn are_due(&self) -> bool {
        !self.gone && self.next.is_none_or(|next| next <= Instant::now())
    }

    /// `left`: how much was found; `None` when nobody knows.
    fn found(&mut self, left: Option<usize>) {
        self.gone = left == Some(0);
        self.next = Some(Instant::now() + ORPHANS_EVERY);
    }
}

/// What a task is for.
enum Job {
    Supervise(RunId),
    Remove(Box<Run>),
}

impl Job {
    const fn id(&self) -> RunId {
        match self {
            Self::Supervise(id) => *id,
            Self::Remove(run) => run.id,
        }
    }

    async fn run(&self, deps: &LauncherDeps, nudge: watch::Receiver<u64>) -> Result<()> {
        match self {
            Self::Supervise(id) => supervise(deps, *id, nudge).await,
            Self::Remove(run) => remove(deps, run).await,
        }
    }
}

impl Driver {
    /// Removes what was made for runs that nobody knows any more, and says how much there was. A run that is accepted
    /// meanwhile is not in danger: its supervisor is started afterwards, by this same task.
    async fn remove_orphans(&self) -> Option<usize> {
        let LauncherDeps { storage, cluster, .. } = &self.deps;
        let mut known: Vec<RunKey> = storage.active_runs().await.ok()?.iter().map(RunKey::from).collect();
        known.extend(storage.deleted_runs().await.ok()?.iter().map(RunKey::from));
        match timeout(ORPHANS_PATIENCE, cluster.remove_orphans(&known)).await.ok()? {
            Ok(found) => {
                if found > 0 {
                    tracing::info!(found, "removing what runs left that are not known any more");
                }
                Some(found)
            }
            Err(error) => {
                tracing::debug!(%error, "what unknown runs left is not removed yet");
                None
            }
        }
    }

    async fn reconcile(&self) -> Result<()> {
        // Who waits in the queue needs nobody, unless it is to leave it.
        let active = self.active_runs().await?.into_iter();
        let active = active.filter(|run| !run.is_queued() || run.stop_requested_at.is_some());
        let active = active.map(|run| Job::Supervise(run.id));
        let deleted_runs = self.deps.storage.deleted_runs().await?.into_iter();
        for job in active.chain(deleted_runs.map(|run| Job::Remove(Box::new(run)))) {
            if let Some(place) = Crew::take(&self.crew, job.id()) {
                self.start(job, place);
            }
        }
        Ok(())
    }

    /// The runs that have not ended, after those have been admitted whose turn it is.
    async fn active_runs(&self) -> Result<Vec<Run>> {
        let LauncherDeps { storage, cluster, handle, clock, .. } = &self.deps;
        let active = storage.active_runs().await?;
        if !active.iter().any(Run::is_queued) {
            return Ok(active);
        }
        let admitted = storage.admit_runs(cluster.max_workers(), clock.now()).await?;
        if admitted.is_empty() {
            return Ok(active);
        }
        for run in admitted {
            tracing::info!(run = %run.id, workers = run.spec.num_workers, "admitted from the queue");
        }
        handle.changed();
        storage.active_runs().await
    }

    fn start(&self, job: Job, place: Place) {
        let (deps, stop) = (self.deps.clone(), self.background.stop_token());
        let nudge = self.nudge.subscribe();
        self.background.spawn(async move {
            let run = place.id;
            tracing::debug!(%run, "taken up");
            let work = async {
                let failure = match AssertUnwindSafe(job.run(&deps, nudge)).catch_unwind().await {
                    Ok(Ok(())) => return,
                    Ok(Err(error)) => said(&error).to_owned(),
                    Err(panic) => format!("panicked: {}", message(&*panic)),
                };
                tracing::error!(%run, failure, "the supervisor of a run failed, another one takes over");
                sleep(PAUSE_AFTER_FAILURE).await;
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = work => {}
            }
            drop(place);
        });
    }
}

/// The runs that have a task.
#[derive(Default)]
struct Crew {
    runs: Mutex<BTreeSet<RunId>>,
    left: Notify,
}

/// The place of one task, free again when it is dropped.
struct Place {
    crew: Arc<Crew>,
    id: RunId,
}

impl Crew {
    /// The place for the task of a run, unless it is taken.
    fn take(crew: &Arc<Self>, id: RunId) -> Option<Place> {
        let free = crew.runs.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        free.then(|| Place { crew: Arc::clone(crew), id })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.crew.runs.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
        self.crew.left.notify_one();
    }
}

fn said(error: &Error) -> &str {
    error.internal_text().unwrap_or(error.detail())
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_one_task_at_a_time() {
        let (crew, id) = (Arc::default(), RunId::new(1).unwrap());
        let place = Crew::take(&crew, id);
        assert!(place.is_some() && Crew::take(&crew, id).is_none());
        drop(place);
        assert!(Crew::take(&crew, id).is_some());
    }
}
