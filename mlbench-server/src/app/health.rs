//! Readiness.

use std::time::Duration;

use mlbench_core::{Error, ErrorCode, Result};

use super::context::App;
use crate::cluster::PodListStatus;

/// Longest time for the store to respond.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Checks that the server can store what it is sent, and start runs.
///
/// # Errors
/// [`ErrorCode::Unavailable`] naming each part that is not ready.
pub async fn ready(app: &App) -> Result<()> {
    let (database, internal) = database(app).await;
    let parts = [database, app.vitals.failure(), app.vitals.hung(), cluster(app)];
    let missing: Vec<String> = parts.into_iter().flatten().collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::new(ErrorCode::Unavailable, format!("not ready: {}", missing.join(", ")))
        .with_internal(internal)
        .with_retry_after(Duration::from_secs(1)))
}

/// Returns what is wrong with the store, and the cause for the log.
async fn database(app: &App) -> (Option<String>, String) {
    match tokio::time::timeout(TIMEOUT, app.storage.ping()).await {
        Ok(Ok(())) => (None, String::new()),
        Ok(Err(error)) => {
            let problem = match error.code() {
                // The first clause names the problem.
                ErrorCode::Unavailable | ErrorCode::Overloaded => error.detail().split("; ").next(),
                _ => None,
            };
            let internal = error.internal_text().unwrap_or(error.detail());
            (Some(problem.unwrap_or("the store fails").to_owned()), internal.to_owned())
        }
        Err(_) => (Some("the store does not respond in time".to_owned()), String::new()),
    }
}

fn cluster(app: &App) -> Option<String> {
    if let Some(obstacle) = app.cluster.obstacle() {
        return Some(obstacle);
    }
    let problem = if app.cluster.pod_list_status() == PodListStatus::Unknown {
        "the worker pods are not known: the cluster does not respond"
    } else if app.cluster.max_workers() == 0 {
        "the cluster has no workers"
    } else {
        return None;
    };
    Some(problem.to_owned())
}
