//! Records a single metric.

use mlbench_core::Result;
use mlbench_core::api::NewMetric;
use mlbench_core::storage::{KeyedRequest, Recorded};

use crate::app::context::App;

/// Records a metric, once per idempotency key.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound) for an unknown owner,
/// [`IdempotencyKeyReused`](mlbench_core::ErrorCode::IdempotencyKeyReused).
pub async fn record(app: &App, metric: NewMetric, key: Option<KeyedRequest>) -> Result<Recorded> {
    let now = app.clock.now();
    app.storage.record_metric(metric.at(now), key, now).await
}
