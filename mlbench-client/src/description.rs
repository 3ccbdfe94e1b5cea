use mlbench_core::api::Endpoint;

use crate::client::Client;
use crate::error::Result;
use crate::request::Request;

/// The server's description of its API. See [`Client::description`].
#[derive(Debug, Clone, Copy)]
pub struct Description<'a> {
    client: &'a Client,
}

impl Client {
    /// The description of the API of this server, for generators of clients and for people.
    #[must_use]
    pub const fn description(&self) -> Description<'_> {
        Description { client: self }
    }
}

impl Description<'_> {
    /// Returns the document in OpenAPI 3.1.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// assert_eq!(client.description().document().await?["openapi"], "3.1.0");
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn document(self) -> Result<serde_json::Value> {
        self.client.json(&Request::new(Endpoint::GetOpenApi, &[])).await
    }

    /// Returns the document as a page of HTML.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// let html = client.description().page().await?;
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn page(self) -> Result<String> {
        self.client.transport().text(&Request::new(Endpoint::GetDocs, &[])).await
    }
}
