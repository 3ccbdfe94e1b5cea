use mlbench_core::api::{Endpoint, Session, SignIn};

use crate::client::Client;
use crate::error::Result;
use crate::request::Request;

/// Sessions of browsers. See [`Client::session`].
#[derive(Debug, Clone, Copy)]
pub struct BrowserSession<'a> {
    client: &'a Client,
}

impl Client {
    /// Sessions of browsers, which a program with a token does not need.
    #[must_use]
    pub const fn session(&self) -> BrowserSession<'_> {
        BrowserSession { client: self }
    }
}

impl BrowserSession<'_> {
    /// Returns whether the server requires a token.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// if client.session().get().await?.required {
    ///     println!("this server needs a token");
    /// }
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn get(self) -> Result<Session> {
        self.client.json(&Request::new(Endpoint::GetSession, &[])).await
    }

    /// Checks a token, as the page does when a person signs in.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// client.session().create("the token of the server").await?;
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// `unauthorized` for a wrong token, `too_many_attempts`.
    pub async fn create(self, token: &str) -> Result<()> {
        let body = SignIn { token: token.to_owned() };
        self.client.transport().execute(&Request::new(Endpoint::CreateSession, &[]).json(&body)?).await
    }

    /// Ends the session of the request's cookie. This client sends none.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// client.session().delete().await?;
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn delete(self) -> Result<()> {
        self.client.transport().execute(&Request::new(Endpoint::DeleteSession, &[])).await
    }
}
