//! Records a single metric.

use mlbench_core::Result;
use mlbench_core::api::NewMetric;
use mlbench_core::storage::{IdempotencyKey, Recorded};

use crate::app::App;

/// Records a metric, once per idempotency key.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound) for an unknown owner.
pub async fn record(app: &App, metric: NewMetric, key: Option<IdempotencyKey>) -> Result<Recorded> {
    let now = app.clock.now();
    app.storage.record_metric(metric.at(now), key, now).await
}
