//! Records a single metric.

use mlbench_core::Result;
use mlbench_core::api::NewMetric;
use mlbench_core::storage::{KeyedRequest, Recorded};

use crate::app::access::Grant;
use crate::app::context::App;

/// Records a metric whose owner `grant` covers, once per idempotency key.
///
/// # Errors
/// [`Forbidden`](mlbench_core::ErrorCode::Forbidden) for another owner,
/// [`NotFound`](mlbench_core::ErrorCode::NotFound) for an unknown one,
/// [`IdempotencyKeyReused`](mlbench_core::ErrorCode::IdempotencyKeyReused).
pub async fn record(
    app: &App,
    grant: Grant,
    metric: NewMetric,
    key: Option<KeyedRequest>,
) -> Result<Recorded> {
    grant.check_owner(&metric.owner, &*app.storage).await?;
    let now = app.clock.now();
    app.storage.record_metric(metric.at(now), key, now).await
}
