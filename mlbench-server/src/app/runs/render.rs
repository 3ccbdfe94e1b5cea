//! Makes wire types of runs.

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
    let queue = app.storage.queue(app.cluster.max_workers()).await?;
    Ok(to_api(run, Some(&queue)))
}
