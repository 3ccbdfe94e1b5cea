//! Runs: started, stopped, removed, told.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mlbench_core::queue::Queue;
use mlbench_core::run::{NewRun, Run};
use mlbench_core::storage::{RunEntry, Storage};
use mlbench_core::{ErrorCode, Result, RunId, RunState, api};
use uuid::Uuid;

use super::run_spec::{RunDefaults, resolve};
use super::told_runs::RunJsonCache;
use super::{App, RunPolicy};

/// How long an answer waits for the launcher to have done what was asked for.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Runs of a page: some 100 kB of text.
const PAGE: u32 = 250;

/// Reads all runs by ascending number as JSON, a page at a time: there may be tens of thousands.
pub struct RunReader {
    storage: Arc<dyn Storage>,
    told: RunJsonCache,
    /// Runs that hold workers or wait for some, and deleted ones that still hold some: they make the queue.
    active: Vec<Run>,
    removed: Vec<Run>,
    capacity: u32,
    after: Option<RunId>,
}

impl RunReader {
    /// A reader that has read nothing yet.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn new(app: &App) -> Result<Self> {
        let active = app.storage.active_runs().await?;
        let removed = if active.iter().any(Run::is_queued) { removed(app).await? } else { Vec::new() };
        let (storage, capacity) = (Arc::clone(&app.storage), app.cluster.max_workers());
        Ok(Self { storage, told: app.told.clone(), active, removed, capacity, after: None })
    }

    /// The next page, a text for each run, and whether it is the last one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn next(&mut self) -> Result<(Vec<Bytes>, bool)> {
        let runs = self.storage.runs_after(self.after, PAGE, self.told.known()).await?;
        self.after = runs.last().map(RunEntry::id);
        let last = runs.len() < PAGE as usize;
        let queue = Queue::new(&self.active, &self.removed, self.capacity);
        let mut texts = Vec::with_capacity(runs.len());
        for run in runs {
            match run {
                // Not kept any more: it was removed in this moment.
                RunEntry::Cached(id) => texts.extend(self.told.get(id)),
                RunEntry::Loaded(run) => texts.push(self.told.tell(&told(*run, Some(&queue)))?),
            }
        }
        Ok((texts, last))
    }
}

/// One run, without its output.
///
/// # Errors
/// [`ErrorCode::NotFound`].
pub async fn get(app: &App, id: RunId) -> Result<api::Run> {
    let run = app.storage.run(id).await?;
    tell(app, run).await
}

/// Starts a run, or lets it wait for its turn, as [`RunPolicy`] says. The answer waits a moment for its workers, so that
/// it is `STARTED` where they are already there.
///
/// # Errors
/// What [`resolve`] refuses; [`ErrorCode::RunActive`] and [`ErrorCode::RunDeleting`].
pub async fn start(app: &App, request: api::RunRequest) -> Result<api::Run> {
    let max_workers = app.cluster.max_workers();
    let defaults =
        RunDefaults { max_workers, default_command: app.default_command.as_deref().map_err(String::as_str) };
    let spec = resolve(&request, defaults)?;
    let new = NewRun { name: request.name, job_id: Uuid::new_v4(), spec };
    let accepted = match app.policy {
        RunPolicy::Single => app.storage.start_run_unless_active(new, app.clock.now()).await?,
        RunPolicy::Queue => app.storage.queue_run(new, max_workers, app.clock.now()).await?,
    };
    app.launcher.wake();
    let started = wait(app, accepted.id, |run| run.state != RunState::Initialized || run.is_queued()).await;
    match started {
        // Deleted in that moment: it was accepted all the same.
        Err(error) if error.code() == ErrorCode::NotFound => Ok(accepted.into()),
        run => tell(app, run?).await,
    }
}

/// Ends a run and waits a moment for its end. Without effect on one that has ended.
///
/// # Errors
/// [`ErrorCode::NotFound`].
pub async fn stop(app: &App, id: RunId) -> Result<api::Run> {
    app.storage.request_stop(id, app.clock.now()).await?;
    app.launcher.wake();
    wait(app, id, |run| !run.state.is_active()).await.map(api::Run::from)
}

/// Removes a run; what it still holds is torn down by the launcher.
///
/// # Errors
/// [`ErrorCode::NotFound`].
pub async fn delete(app: &App, id: RunId) -> Result<()> {
    app.storage.delete_run(id).await?;
    app.told.forget(id);
    app.launcher.wake();
    Ok(())
}

/// A run as it is told: with its place in the queue while it waits there.
async fn tell(app: &App, run: Run) -> Result<api::Run> {
    if !run.is_queued() {
        return Ok(told(run, None));
    }
    let (active, removed) = (app.storage.active_runs().await?, removed(app).await?);
    Ok(told(run, Some(&Queue::new(&active, &removed, app.cluster.max_workers()))))
}

fn told(run: Run, queue: Option<&Queue<'_>>) -> api::Run {
    let place = queue.and_then(|queue| queue.place(run.id));
    let (queue_position, waiting_for) = place.map(|place| (place.position, place.waiting_for)).unzip();
    api::Run { queue_position, waiting_for, ..run.into() }
}

/// Deleted runs that still hold workers.
async fn removed(app: &App) -> Result<Vec<Run>> {
    app.storage.deleted_runs().await
}

async fn wait(app: &App, id: RunId, settled: impl Fn(&Run) -> bool + Send) -> Result<Run> {
    app.launcher.wait_until(&*app.storage, id, TIMEOUT, settled).await
}
