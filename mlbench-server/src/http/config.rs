//! What one listener serves, and its limits and timeouts.

use std::time::Duration;

use super::page::Page;
use crate::app::access::AuthPolicy;

/// Which endpoints a listener serves, and to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// The whole API.
    Api(AuthPolicy),
    /// Single metrics of active runs, without a token.
    Ingest,
}

/// Configuration of one listener.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// Which endpoints it serves, and to whom.
    pub surface: Surface,
    /// Names that `Host` may have besides `localhost` and IP literals, without a port.
    pub allowed_hosts: Vec<String>,
    /// The page that the listener of the whole API serves.
    pub page: Page,
    /// Largest body, in bytes.
    pub body_limit: usize,
    /// Largest batch that is an array, in bytes, before and after decompression.
    pub batch_limit: usize,
    /// Memory for all uploads together, in bytes.
    pub upload_memory: usize,
    /// Longest time for the head of a request, and for an idle connection.
    pub header_timeout: Duration,
    /// Longest time between two pieces of a body. A body may take any time as long as it goes on.
    pub body_stall_timeout: Duration,
    /// Longest time in which a client reads nothing of its response.
    pub stall_timeout: Duration,
    /// Longest time for responses in progress when the server stops.
    pub drain_timeout: Duration,
}

impl HttpConfig {
    /// Returns the default limits and timeouts.
    #[must_use]
    pub const fn new(surface: Surface) -> Self {
        Self {
            surface,
            allowed_hosts: Vec::new(),
            page: Page::embedded(),
            body_limit: 1 << 20,
            batch_limit: 64 << 20,
            upload_memory: 128 << 20,
            header_timeout: Duration::from_secs(30),
            body_stall_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_secs(30),
            drain_timeout: Self::DRAIN_TIMEOUT,
        }
    }

    /// Default of [`drain_timeout`](Self::drain_timeout).
    pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
}
