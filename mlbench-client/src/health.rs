use mlbench_core::api::Endpoint;

use crate::client::Client;
use crate::error::Result;
use crate::request::Request;

/// Health of the server. See [`Client::health`].
#[derive(Debug, Clone, Copy)]
pub struct Health<'a> {
    client: &'a Client,
}

impl Client {
    /// Liveness, readiness and metrics of the server itself.
    #[must_use]
    pub const fn health(&self) -> Health<'_> {
        Health { client: self }
    }
}

impl Health<'_> {
    /// Checks that the server is alive.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// client.health().live().await?;
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn live(self) -> Result<()> {
        self.client.transport().execute(&Request::new(Endpoint::Live, &[])).await
    }

    /// Checks that the server is ready for requests.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// if let Err(error) = client.health().ready().await {
    ///     println!("not ready: {error}");
    /// }
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// When the server cannot be reached or is not ready. In the second case the error names the part that is
    /// not ready.
    pub async fn ready(self) -> Result<()> {
        self.client.transport().execute(&Request::new(Endpoint::Ready, &[])).await
    }

    /// Returns the metrics of the server and the newest value of every pod metric for Prometheus.
    ///
    /// The text has Prometheus' exposition format, version 0.0.4.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// println!("{}", client.health().metrics().await?);
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// When the server cannot be reached or fails.
    pub async fn metrics(self) -> Result<String> {
        self.client.transport().text(&Request::new(Endpoint::Prometheus, &[])).await
    }
}
