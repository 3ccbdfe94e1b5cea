//! Moves blocking work off the async threads.

use crate::cluster::error::ClusterError;

/// Runs work that reads files or waits for processes on a thread that may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ClusterError> + Send + 'static,
) -> Result<T, ClusterError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(ClusterError::Unreachable(error.to_string())),
    }
}
