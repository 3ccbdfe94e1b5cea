//! Whether a cluster knows its worker pods.

/// Whether a cluster knows its worker pods. An empty list of an unknown status says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PodListStatus {
    /// The list has every change.
    Current,
    /// The cluster does not respond now. The list is the last one.
    Stale,
    /// The cluster has not responded since the start of the server.
    Unknown,
}
