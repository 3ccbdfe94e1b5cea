use mlbench_core::api::Endpoint;

use crate::transport::Call;
use crate::{Client, Result};

/// How the server is; see [`Client::health`].
#[derive(Debug, Clone, Copy)]
pub struct Health<'a> {
    pub(crate) client: &'a Client,
}

impl Health<'_> {
    /// Returns when the server lives.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn live(self) -> Result<()> {
        self.client.transport().done(&Call::new(Endpoint::Live, &[])).await
    }

    /// Returns when the server is ready to serve.
    ///
    /// # Errors
    /// Naming what is not ready, or when the server cannot be reached.
    pub async fn ready(self) -> Result<()> {
        self.client.transport().done(&Call::new(Endpoint::Ready, &[])).await
    }

    /// How the server is, in numbers, and the newest value of every metric of the pods: in Prometheus' text format,
    /// version 0.0.4.
    ///
    /// # Errors
    /// When the server cannot be reached or fails.
    pub async fn metrics(self) -> Result<String> {
        self.client.transport().text(&Call::new(Endpoint::Prometheus, &[])).await
    }
}
