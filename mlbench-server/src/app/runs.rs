//! Runs: started, stopped, removed, told.

use std::time::Duration;

use mlbench_core::run::{NewRun, Run};
use mlbench_core::{ErrorCode, Result, RunId, RunState, api};
use uuid::Uuid;

use super::App;
use super::run_spec::{Offer, resolve};

/// How long an answer waits for the launcher to have done what was asked for.
const PATIENCE: Duration = Duration::from_secs(2);

/// All runs by ascending number.
///
/// # Errors
/// When the store fails.
pub async fn list(app: &App) -> Result<Vec<api::Run>> {
    Ok(app.storage.runs().await?.into_iter().map(api::Run::from).collect())
}

/// One run, without its output.
///
/// # Errors
/// [`ErrorCode::NotFound`].
pub async fn get(app: &App, id: RunId) -> Result<api::Run> {
    app.storage.run(id).await.map(api::Run::from)
}

/// Starts a run, unless one is active. The answer waits a moment for its workers, so that it is `STARTED` where they
/// are already there.
///
/// # Errors
/// What [`resolve`] refuses; [`ErrorCode::RunActive`] and [`ErrorCode::RunBeingRemoved`].
pub async fn start(app: &App, request: api::NewRun) -> Result<api::Run> {
    let offer = Offer {
        max_workers: app.cluster.max_workers(),
        default_command: app.default_command.as_deref().map_err(String::as_str),
    };
    let spec = resolve(&request, offer)?;
    let new = NewRun { name: request.name, job_id: Uuid::new_v4(), spec };
    let accepted = app.storage.start_run_unless_active(new, app.clock.now()).await?;
    app.launcher.wake();
    let started = wait(app, accepted.id, |run| run.state != RunState::Initialized).await;
    match started {
        // Deleted in that moment: it was accepted all the same.
        Err(error) if error.code() == ErrorCode::NotFound => Ok(accepted.into()),
        run => run.map(api::Run::from),
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
    app.launcher.wake();
    Ok(())
}

async fn wait(app: &App, id: RunId, settled: impl Fn(&Run) -> bool + Send) -> Result<Run> {
    app.launcher.wait_until(&*app.storage, id, PATIENCE, settled).await
}
