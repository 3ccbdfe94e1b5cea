//! Reads the newest values of runs.

use mlbench_core::Result;
use mlbench_core::api::ValuesQuery;
use mlbench_core::metric::RunValuesPage;
use mlbench_core::storage::RunValuesQuery;

use crate::app::context::App;

/// Returns a page of newest values.
///
/// # Errors
/// When the store fails.
pub async fn values(app: &App, query: ValuesQuery) -> Result<RunValuesPage> {
    let ValuesQuery { metric: names, after, limit } = query;
    let limit = limit.unwrap_or(ValuesQuery::MAX_RUNS);
    app.storage.run_values(RunValuesQuery { names, after, limit }).await
}
