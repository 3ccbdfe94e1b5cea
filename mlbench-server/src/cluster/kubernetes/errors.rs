//! Errors of the Kubernetes client.

use crate::cluster::error::ClusterError;

/// Returns the text of an error with its causes, without type names.
pub(super) fn error_text(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return status.message.clone();
    }
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// Converts an error of the API server that may be temporary.
pub(super) fn unreachable(error: &kube::Error) -> ClusterError {
    ClusterError::Unreachable(error_text(error))
}
