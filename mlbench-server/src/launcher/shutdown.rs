//! Stops all runs before the server exits.

use std::time::Duration;

use futures_util::future::join_all;
use mlbench_core::{ErrorCode, Result, RunId};
use tokio::time::{Instant, timeout_at};

use super::deps::LauncherDeps;
use super::end_requests::{EndRequest, is_unwritable};

/// Requests every active run to stop, and returns the runs that still hold workers after `timeout`.
///
/// Returns as soon as all runs have ended and all deleted runs are torn down.
///
/// # Errors
/// Any error of the store, except `not_found` for a run that is deleted meanwhile, and those of a store that may take the
/// request later.
pub async fn stop_all(deps: &LauncherDeps, timeout: Duration) -> Result<Vec<RunId>> {
    let deadline = Instant::now() + timeout;
    let mut changes = deps.handle.changes();
    loop {
        let active = deps.storage.active_runs().await?;
        let unasked: Vec<RunId> =
            active.iter().filter(|run| run.stop_requested_at.is_none()).map(|run| run.id).collect();
        if !unasked.is_empty() {
            let asked = timeout_at(deadline, request_stops(deps, &unasked)).await;
            asked.unwrap_or(Ok(()))?;
        }
        let deleted = deps.storage.deleted_runs().await?;
        let remaining = active.iter().chain(&deleted).map(|run| run.id);
        let remaining: Vec<RunId> = remaining.collect();
        if remaining.is_empty() || timeout_at(deadline, changes.changed()).await.is_err() {
            return Ok(remaining);
        }
    }
}

/// Requests runs to stop, all at once.
///
/// Each request may have to wait for another program that has locked the database.
async fn request_stops(deps: &LauncherDeps, runs: &[RunId]) -> Result<()> {
    let (request, requests) = (EndRequest::Stop(deps.clock.now()), deps.handle.end_requests());
    runs.iter().for_each(|&id| requests.note(id, request));
    deps.handle.wake();
    let stored = join_all(runs.iter().map(|&id| request.store(&*deps.storage, id))).await;
    for (&id, stored) in runs.iter().zip(stored) {
        match stored {
            Err(error) if is_unwritable(error.code()) => continue,
            Err(error) if error.code() != ErrorCode::NotFound => return Err(error),
            _ => requests.forget(id, request),
        }
        deps.handle.changed();
    }
    deps.handle.wake();
    Ok(())
}
