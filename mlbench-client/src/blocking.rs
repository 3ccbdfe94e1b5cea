//! The client for programs without a tokio runtime. Needs the feature `blocking`.

use tokio::runtime::{Builder, Runtime};

use crate::client::Client as Wrapped;
use crate::error::{Error, Result};

/// A client that waits for its responses on the thread of the caller.
///
/// It calls the methods of the [`Client`](crate::Client) that it wraps, so it has all of them:
///
/// ```no_run
/// use mlbench_client::{RunName, RunRequest, blocking};
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let client = blocking::Client::from_env()?;
///     let request = RunRequest::named(RunName::new("first try")?);
///     let run = client.wait(async |client| {
///         let run = client.runs().start(&request).await?;
///         client.runs().wait(run.id).await
///     })?;
///     println!("{}", run.state);
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Client {
    client: Wrapped,
    /// `None` only while the client is dropped.
    runtime: Option<Runtime>,
}

impl Client {
    /// Returns a client with the settings of `client` and connections of its own.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = mlbench_client::blocking::Client::new(&client())?;
    /// assert_eq!(client.wait(async |client| client.pods().list().await)?.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Setup`](Error::Setup) if the system does not provide what a runtime needs.
    pub fn new(client: &Wrapped) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Error::Setup(error.to_string()))?;
        Ok(Self { client: client.with_own_connections()?, runtime: Some(runtime) })
    }

    /// Returns a client of the server in `MLBENCH_URL`. See [`Client::from_env`](crate::Client::from_env).
    ///
    /// # Errors
    /// Those of [`Client::from_env`](crate::Client::from_env) and [`new`](Self::new).
    pub fn from_env() -> Result<Self> {
        Self::new(&Wrapped::from_env()?)
    }

    /// Calls `operation` and waits until it is complete.
    ///
    /// # Panics
    /// On a thread of a tokio runtime, which must not block.
    pub fn wait<T>(&self, operation: impl AsyncFnOnce(&Wrapped) -> T) -> T {
        let Some(runtime) = &self.runtime else { unreachable!("only `drop` takes the runtime") };
        runtime.block_on(operation(&self.client))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // A plain drop waits for the runtime, and panics where a thread must not wait.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_client_may_be_dropped_on_a_thread_of_a_runtime() {
        let client = Wrapped::builder().build().unwrap();
        drop(Client::new(&client).unwrap());
    }
}
