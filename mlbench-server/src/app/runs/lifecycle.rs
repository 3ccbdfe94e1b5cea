//! Starts, stops, deletes and gets runs.

use std::time::Duration;

use mlbench_core::run::{NewRun, Run};
use mlbench_core::{ErrorCode, Result, RunId, RunState, api};
use uuid::Uuid;

use super::render::with_queue_position;
use super::spec::{RunDefaults, resolve};
use crate::app::context::{App, RunPolicy};

/// Longest time for which a response waits for the launcher to act.
const LAUNCHER_TIMEOUT: Duration = Duration::from_secs(2);

/// Returns one run without its output.
///
/// # Errors
/// [`ErrorCode::NotFound`].
pub async fn get(app: &App, id: RunId) -> Result<api::Run> {
    let run = app.storage.run(id).await?;
    with_queue_position(app, run).await
}

/// Starts a run, or queues it, as [`RunPolicy`] says.
///
/// The response waits a moment for the workers, so that the run is `STARTED` where they are ready.
///
/// # Errors
/// Those of [`resolve`]; [`ErrorCode::RunActive`] and [`ErrorCode::RunDeleting`].
pub async fn start(app: &App, request: api::RunRequest) -> Result<api::Run> {
    let (max_workers, max_cpus) = (app.cluster.max_workers(), app.cluster.max_cpus());
    let default_command = app.default_command.as_deref().map_err(String::as_str);
    let spec = resolve(&request, RunDefaults { max_workers, max_cpus, default_command })?;
    let new = NewRun { name: request.name, job_id: Uuid::new_v4(), spec };
    let accepted = match app.policy {
        RunPolicy::Single => app.storage.start_run_unless_active(new, app.clock.now()).await?,
        RunPolicy::Queue => app.storage.queue_run(new, max_workers, app.clock.now()).await?,
    };
    app.launcher.wake();
    let started = wait(app, accepted.id, |run| run.state != RunState::Initialized || run.is_queued()).await;
    match started {
        // Deleted meanwhile: it was accepted all the same.
        Err(error) if error.code() == ErrorCode::NotFound => Ok(accepted.into()),
        run => with_queue_position(app, run?).await,
    }
}

/// Stops a run and waits a moment for its end. Has no effect on a run that has ended.
///
/// # Errors
/// [`ErrorCode::NotFound`].
pub async fn stop(app: &App, id: RunId) -> Result<api::Run> {
    app.storage.request_stop(id, app.clock.now()).await?;
    app.launcher.wake();
    wait(app, id, |run| !run.state.is_active()).await.map(api::Run::from)
}

/// Deletes a run, and waits a moment until the launcher has released the workers that it held.
///
/// # Errors
/// [`ErrorCode::NotFound`].
pub async fn delete(app: &App, id: RunId) -> Result<()> {
    app.storage.delete_run(id).await?;
    app.run_cache.remove(id);
    app.launcher.wake();
    app.launcher.wait_for_teardown(&*app.storage, id, LAUNCHER_TIMEOUT).await
}

async fn wait(app: &App, id: RunId, settled: impl Fn(&Run) -> bool + Send) -> Result<Run> {
    app.launcher.wait_until(&*app.storage, id, LAUNCHER_TIMEOUT, settled).await
}
