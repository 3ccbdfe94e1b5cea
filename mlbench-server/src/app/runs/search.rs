//! Finds runs.

use mlbench_core::api::RunSearch;
use mlbench_core::run::Run;
use mlbench_core::storage::{RunsFound, RunsSearch};
use mlbench_core::{Result, api};

use crate::app::api_run::to_api;
use crate::app::context::App;

/// Returns a page of runs without their output, and the cursor of the next page.
///
/// # Errors
/// [`InvalidField`](mlbench_core::ErrorCode::InvalidField) for a cursor that is none.
pub async fn search(app: &App, query: &RunSearch) -> Result<(Vec<api::Run>, Option<String>)> {
    let search = RunsSearch {
        states: query.states.clone(),
        name: query.name_filter(),
        tags: query.tags.clone(),
        params: query.params.clone(),
        since: query.since,
        order: query.order.unwrap_or_default(),
        after: query.position()?,
        limit: query.limit.unwrap_or(RunSearch::DEFAULT_LIMIT),
    };
    let RunsFound { runs, next } = app.storage.find_runs(search).await?;
    let queue = match runs.iter().any(Run::is_queued) {
        true => Some(app.storage.queue(app.cluster.max_workers()).await?),
        false => None,
    };
    let runs = runs.into_iter().map(|run| to_api(run, queue.as_ref())).collect();
    Ok((runs, next.map(|position| query.cursor_of(&position))))
}
