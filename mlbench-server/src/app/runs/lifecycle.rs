//! Starts, stops, deletes and gets runs.

use std::time::Duration;

use mlbench_core::run::{NewRun, Run, RunOutcome};
use mlbench_core::storage::{Admission, ExternalEnd, KeyedRequest, RunStart, RunUpdate, StartedRun};
use mlbench_core::{Error, ErrorCode, Result, RunId, RunState, api};
use tokio::time::timeout;
use uuid::Uuid;

use super::render::with_queue_position;
use super::spec::{RunDefaults, resolve, resolve_external};
use crate::app::access::Grant;
use crate::app::context::{App, RunPolicy};
use crate::launcher::{EndRequest, is_unwritable};
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

/// How long the store may take before the ranks of a run that is to end are signalled without it.
const STORE_TIMEOUT: Duration = Duration::from_millis(500);

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
    let spec =
        resolve(&request, RunDefaults { max_workers, max_cpus, max_time: app.time_limit, default_command })?;
    if let Some(error) = app.cluster.refusal(&spec) {
        return Err(error);
    }
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
    end(app, id, EndRequest::Stop(app.clock.now())).await?;
    app.launcher.wake();
    wait(app, id, |run| !run.state.is_active()).await.map(api::Run::from)
}

/// Deletes a run, and waits a moment until the launcher has released the workers that it held.
///
/// # Errors
/// [`ErrorCode::NotFound`].
pub async fn delete(app: &App, id: RunId) -> Result<()> {
    end(app, id, EndRequest::Delete(app.clock.now())).await?;
    app.run_cache.remove(id);
    app.launcher.wake();
    app.launcher.wait_for_teardown(&*app.storage, id, LAUNCHER_TIMEOUT).await
}

/// Stores a request to end a run.
///
/// When that takes long, or fails in a way that may pass, the ranks of the run are signalled all the same, and the launcher
/// stores the request when it can.
async fn end(app: &App, id: RunId, request: EndRequest) -> Result<()> {
    let requests = app.launcher.end_requests();
    let store = request.store(&*app.storage, id);
    tokio::pin!(store);
    let stored = match timeout(STORE_TIMEOUT, &mut store).await {
        Ok(stored) => stored,
        Err(_) => {
            requests.note(id, request);
            app.launcher.wake();
            store.await
        }
    };
    if let Err(error) = &stored
        && is_unwritable(error.code())
        && !has_ended(app, id).await
    {
        requests.note(id, request);
        app.launcher.wake();
        return Err(taken_up(error, request));
    }
    if !stored.as_ref().is_err_and(|error| is_unwritable(error.code())) {
        requests.forget(id, request);
    }
    stored
}

/// Returns whether a run is known to have ended, or to be gone.
async fn has_ended(app: &App, id: RunId) -> bool {
    match app.storage.run(id).await {
        Ok(run) => !run.state.is_active(),
        Err(error) => error.code() == ErrorCode::NotFound,
    }
}

/// Adds to the error of a write what happens all the same.
fn taken_up(error: &Error, request: EndRequest) -> Error {
    let end = match request {
        EndRequest::Stop(_) => "this server stops the run",
        EndRequest::Delete(_) => "this server deletes the run",
    };
    let detail = format!("{}; {end} and stores that as soon as it can", error.detail());
    let told = Error::new(error.code(), detail).with_internal(error.internal_text().unwrap_or_default());
    match error.retry_after() {
        Some(after) => told.with_retry_after(after),
        None => told,
    }
}

async fn wait(app: &App, id: RunId, settled: impl Fn(&Run) -> bool + Send) -> Result<Run> {
    app.launcher.wait_until(&*app.storage, id, LAUNCHER_TIMEOUT, settled).await
}
