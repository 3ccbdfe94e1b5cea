//! Worker pods.

use mlbench_core::{Result, api};

use super::App;

/// Lists the worker pods in the cluster by name, from the store, so that a listed pod also accepts metrics.
///
/// # Errors
/// When the store fails.
pub async fn list(app: &App) -> Result<Vec<api::Pod>> {
    Ok(app.storage.pods().await?.into_iter().map(api::Pod::from).collect())
}
