//! Runs from their first second to their last: reads what is stored, looks at the cluster, acts, and keeps no truth of
//! its own.
//!
//! [`driver`] compares what is stored with the tasks it has: one [`supervisor`] per active run, one [`teardown`] per
//! deleted run that still holds workers. A supervisor reads its run, asks [`plan`] what is next, does it, and begins
//! again. Everything it asks of the cluster can be asked twice, and everything it finds out is stored before the next
//! step builds on it: it can be dropped at any `await` and started anew, in this process or the next.

mod backoff;
mod driver;
mod failure_reason;
mod handle;
mod outage;
mod plan;
mod rank;
mod recorder;
mod supervisor;
mod teardown;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;
use std::time::Duration;

use mlbench_core::storage::Storage;
use mlbench_core::{ErrorCode, Result, RunId};
use tokio::time::{Instant, timeout_at};

pub use self::handle::LauncherHandle;
use crate::clock::Clock;
use crate::cluster::Cluster;
use crate::monitor::Monitor;
use crate::task_group::TaskGroup;

/// What the launcher works with.
#[derive(Clone)]
pub struct LauncherDeps {
    /// What is kept.
    pub storage: Arc<dyn Storage>,
    /// Where runs run.
    pub cluster: Arc<dyn Cluster>,
    /// How the rest of the server reaches it.
    pub handle: LauncherHandle,
    /// Measures the pods when a run starts and when it ends.
    pub monitor: Monitor,
    /// What time it is.
    pub clock: Clock,
    /// How long, and with what.
    pub settings: Arc<LauncherSettings>,
}

/// The settings of the launcher.
#[derive(Debug, Clone)]
pub struct LauncherSettings {
    /// From SIGTERM to SIGKILL.
    pub grace_period: Duration,
    /// From the admission of a run until its workers must be there.
    pub start_timeout: Duration,
    /// A command line that stands before the command of a run with MPI; placeholders are replaced in it too.
    pub mpirun_prefix: String,
    /// Where workers reach this server (`MLBENCH_URL`).
    pub server_url: String,
    /// Whether workers need a token to post metrics (`MLBENCH_TOKEN`).
    pub run_tokens: bool,
}

/// Starts the launcher in `background`. It takes up what is stored at once.
pub fn start(background: &TaskGroup, deps: LauncherDeps) {
    background.spawn(driver::drive(background.clone(), deps));
}

/// Asks every active run to stop, and waits until nothing of any run is left on a worker, at most for `patience`.
/// Returns the runs that were not over by then.
///
/// # Errors
/// What the store refuses.
pub async fn stop_all(deps: &LauncherDeps, patience: Duration) -> Result<Vec<RunId>> {
    let deadline = Instant::now() + patience;
    let mut changes = deps.handle.changes();
    loop {
        let active = deps.storage.active_runs().await?;
        for run in active.iter().filter(|run| run.stop_requested_at.is_none()) {
            match deps.storage.request_stop(run.id, deps.clock.now()).await {
                Err(error) if error.code() != ErrorCode::NotFound => return Err(error),
                _ => {
                    deps.handle.changed();
                    deps.handle.wake();
                }
            }
        }
        let deleted_runs = deps.storage.deleted_runs().await?;
        let left = active.iter().map(|run| run.id).chain(deleted_runs.iter().map(|run| run.id));
        let left: Vec<RunId> = left.collect();
        if left.is_empty() || timeout_at(deadline, changes.changed()).await.is_err() {
            return Ok(left);
        }
    }
}
