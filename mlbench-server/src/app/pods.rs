//! Worker pods.

use std::time::Duration;

use mlbench_core::{Error, ErrorCode, Result, api};

use super::context::App;
use crate::cluster::PodListStatus;

/// Lists the worker pods in the cluster by name, from the store, so that a listed pod also accepts metrics.
///
/// # Errors
/// [`ErrorCode::Unavailable`] while the pods are not known, or when the store fails.
pub async fn list(app: &App) -> Result<Vec<api::Pod>> {
    check_known(app)?;
    Ok(app.storage.pods().await?.into_iter().map(api::Pod::from).collect())
}

/// Refuses a list of pods while the cluster has not named them.
///
/// # Errors
/// [`ErrorCode::Unavailable`].
pub(super) fn check_known(app: &App) -> Result<()> {
    if app.cluster.pod_list_status() == PodListStatus::Unknown {
        let detail = "the worker pods are not known: the cluster has not responded since the server started; try again";
        return Err(Error::new(ErrorCode::Unavailable, detail).with_retry_after(Duration::from_secs(1)));
    }
    Ok(())
}
