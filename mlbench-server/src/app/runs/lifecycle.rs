//! Starts, stops, deletes and gets runs.

use std::time::Duration;

use mlbench_core::run::{NewRun, Run, RunOutcome};
use mlbench_core::storage::{Admission, ExternalEnd, KeyedRequest, RunStart, RunUpdate, StartedRun};
use mlbench_core::{ErrorCode, Result, RunId, RunState, api};
use uuid::Uuid;

use super::render::with_queue_position;
use super::spec::{RunDefaults, resolve, resolve_external};
use crate::app::access::Grant;
use crate::app::context::{App, RunPolicy};
use crate::token::Token;

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

/// A run that a request started.
pub struct Started {
    /// The run without its output.
    pub run: api::Run,
    /// Whether an earlier request with the same key started it.
    pub replayed: bool,
}

/// Starts a run, or queues it, as [`RunPolicy`] says.
///
/// The response waits a moment for the workers, so that the run is `STARTED` where they are ready.
///
/// A request that repeats an earlier one under its key gets the run that was started then, as it is now.
///
/// # Errors
/// Those of [`resolve`] and [`Storage::start_run`](mlbench_core::storage::Storage::start_run).
pub async fn start(app: &App, request: api::RunRequest, key: Option<KeyedRequest>) -> Result<Started> {
    // First of all: a repetition does not depend on what the cluster has now.
    if let Some(key) = key.clone()
        && let Some(run) = app.storage.find_started_run(key).await?
    {
        let token = token_of(app, &run).await?;
        return Ok(Started {
            run: api::Run { token, ..with_queue_position(app, run).await? },
            replayed: true,
        });
    }
    if request.external {
        return start_external(app, request, key).await;
    }
    let (max_workers, max_cpus) = (app.cluster.max_workers(), app.cluster.max_cpus());
    let default_command = app.default_command.as_deref().map_err(String::as_str);
    let spec = resolve(&request, RunDefaults { max_workers, max_cpus, default_command })?;
    let api::RunRequest { name, params, tags, .. } = request;
    let new = NewRun { name, job_id: Uuid::new_v4(), spec, params, tags };
    let admission = match app.policy {
        RunPolicy::Single => Admission::UnlessActive,
        RunPolicy::Queue => Admission::Queue { capacity: max_workers },
    };
    let start = RunStart { new, admission, key };
    let StartedRun { run: accepted, replayed } = app.storage.start_run(start, app.clock.now()).await?;
    app.launcher.wake();
    let started = wait(app, accepted.id, |run| run.state != RunState::Initialized || run.is_queued()).await;
    let run = match started {
        // Deleted meanwhile: it was accepted all the same.
        Err(error) if error.code() == ErrorCode::NotFound => accepted.into(),
        run => with_queue_position(app, run?).await?,
    };
    Ok(Started { run, replayed })
}

/// Creates a run that executes elsewhere.
async fn start_external(app: &App, request: api::RunRequest, key: Option<KeyedRequest>) -> Result<Started> {
    let spec = resolve_external(&request)?;
    let api::RunRequest { name, params, tags, .. } = request;
    let new = NewRun { name, job_id: Uuid::new_v4(), spec, params, tags };
    let start = RunStart { new, admission: Admission::External { watched: true }, key };
    let StartedRun { run, replayed } = app.storage.start_run(start, app.clock.now()).await?;
    let token = token_of(app, &run).await?;
    Ok(Started { run: api::Run { token, ..run.into() }, replayed })
}

/// Returns a new token of an active external run, or `None` where no token is required.
///
/// Only hashes are stored, so a repeated request gets another token. All are valid until the run ends.
async fn token_of(app: &App, run: &Run) -> Result<Option<api::RunToken>> {
    if !app.run_tokens || !run.spec.external || !run.state.is_active() {
        return Ok(None);
    }
    let token = Token::random()?;
    app.storage.add_run_token(run.id, token.hash()).await?;
    Ok(Some(api::RunToken::new(token.reveal().to_owned())))
}

/// Adds parameters to a run, changes its tags, and ends an external run.
///
/// # Errors
/// [`ErrorCode::Forbidden`] for the token of another run, [`ErrorCode::NotFound`], [`ErrorCode::ParamConflict`], [`ErrorCode::RunEnded`], and
/// [`ErrorCode::InvalidField`] when they are too many or too large together.
pub async fn update(app: &App, grant: Grant, id: RunId, patch: api::RunPatch) -> Result<api::Run> {
    grant.check_run(id)?;
    let end = patch.event().map(|event| ExternalEnd {
        outcome: RunOutcome { event, reason: patch.reason, at: app.clock.now() },
        exit_codes: patch.exit_codes,
    });
    let update = RunUpdate { params: patch.params, tags: patch.tags, end };
    with_queue_position(app, change(app, id, update).await?).await
}

/// Stores a change of a run, also in what is cached of it.
///
/// # Errors
/// Those of [`Storage::update_run`](mlbench_core::storage::Storage::update_run).
pub(in crate::app) async fn change(app: &App, id: RunId, update: RunUpdate) -> Result<Run> {
    let run = app.storage.update_run(id, update).await?;
    if !run.state.is_active() {
        app.run_cache.remove(id);
    }
    Ok(run)
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
