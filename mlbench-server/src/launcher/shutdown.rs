//! Stops all runs before the server exits.

use std::time::Duration;

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
        for run in active.iter().filter(|run| run.stop_requested_at.is_none()) {
            let now = deps.clock.now();
            match deps.storage.request_stop(run.id, now).await {
                Err(error) if is_unwritable(error.code()) => {
                    deps.handle.end_requests().note(run.id, EndRequest::Stop(now));
                }
                Err(error) if error.code() != ErrorCode::NotFound => return Err(error),
                _ => deps.handle.changed(),
            }
            deps.handle.wake();
        }
        let deleted = deps.storage.deleted_runs().await?;
        let remaining = active.iter().chain(&deleted).map(|run| run.id);
        let remaining: Vec<RunId> = remaining.collect();
        if remaining.is_empty() || timeout_at(deadline, changes.changed()).await.is_err() {
            return Ok(remaining);
        }
    }
}
