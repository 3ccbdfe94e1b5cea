//! Readiness.

use std::time::Duration;

use mlbench_core::{Error, ErrorCode, Result};

use super::context::App;

/// Longest time for the store to respond.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Checks that the server can serve requests and start runs.
///
/// # Errors
/// [`ErrorCode::Unavailable`] naming each part that is not ready.
pub async fn ready(app: &App) -> Result<()> {
    let mut missing = Vec::new();
    let mut internal = String::new();
    match tokio::time::timeout(TIMEOUT, app.storage.ping()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            missing.push("the store returned an error");
            internal = error.internal_text().unwrap_or(error.detail()).to_owned();
        }
        Err(_) => missing.push("the store did not respond in time"),
    }
    if app.cluster.max_workers() == 0 {
        missing.push("the cluster has no workers");
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::new(ErrorCode::Unavailable, format!("not ready: {}", missing.join(", ")))
        .with_internal(internal)
        .with_retry_after(Duration::from_secs(1)))
}
