//! Makes wire types of runs.

use mlbench_core::queue::Queue;
use mlbench_core::run::Run;
use mlbench_core::{Result, api};

use crate::app::api_run::to_api;
use crate::app::context::App;

/// Converts a run, with its place in the queue while it is queued.
///
/// # Errors
/// When the store fails.
pub(super) async fn with_queue_position(app: &App, run: Run) -> Result<api::Run> {
    if !run.is_queued() {
        return Ok(to_api(run, None));
    }
    let (active, deleting) = (app.storage.active_runs().await?, app.storage.deleted_runs().await?);
    Ok(to_api(run, Some(&Queue::new(&active, &deleting, app.cluster.max_workers()))))
}
