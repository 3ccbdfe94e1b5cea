//! Worker pods.

use mlbench_core::{Result, api};

use super::App;

/// The worker pods that are in the cluster now, by name. They come from the store, so that a pod that is listed can
/// be given metrics, too.
///
/// # Errors
/// When the store fails.
pub async fn list(app: &App) -> Result<Vec<api::Pod>> {
    Ok(app.storage.pods().await?.into_iter().map(api::Pod::from).collect())
}
