//! Errors of a cluster.

/// Why a cluster rejected or failed a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// The cluster does not respond now. The same call may succeed later.
    #[error("the cluster cannot be reached: {0}")]
    Unreachable(String),
    /// The worker no longer exists, or its process ended without leaving an exit code.
    ///
    /// The text names the rank and the cause, and becomes the reason of the run.
    #[error("{0}")]
    Lost(String),
    /// The cluster will never do this. The text says why, and becomes the reason of the run.
    #[error("{0}")]
    Refused(String),
}
