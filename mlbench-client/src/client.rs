//! [`Client`]: a server and how it is talked to.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mlbench_core::Owner;
use tokio::time::Instant;

use crate::transport::Transport;
use crate::{Error, Health, MetricLogger, Metrics, Pods, Result, Runs, retry};

/// Where a server listens when nothing else is said.
pub const DEFAULT_URL: &str = "http://127.0.0.1:8000";

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
const DEFAULT_GIVE_UP: Duration = Duration::from_secs(60);

/// A client of one server. Cheap to clone; clones share their connections.
///
/// Its methods run in a tokio runtime. A request that is not safe to repeat is sent once.
#[derive(Debug, Clone)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    transport: Transport,
    give_up_after: Duration,
    listener: Listener,
}

/// Is told of failures after which a call is tried again.
#[derive(Clone)]
struct Listener(Arc<Listen>);

type Listen = dyn Fn(&Error, u32) + Send + Sync;

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

impl Client {
    /// A client of the server at [`DEFAULT_URL`], or wherever the builder is told.
    #[must_use]
    pub fn builder() -> ClientBuilder {
        ClientBuilder {
            base_url: DEFAULT_URL.to_owned(),
            token: None,
            timeout: DEFAULT_TIMEOUT,
            give_up_after: DEFAULT_GIVE_UP,
            listener: Listener(Arc::new(|_, _| ())),
        }
    }

    /// A builder of a client of the server that the environment variable `MLBENCH_URL` names, else of [`DEFAULT_URL`],
    /// with the token in `MLBENCH_TOKEN`, if there is one. Workers of a run find both there.
    #[must_use]
    pub fn builder_from_env() -> ClientBuilder {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let builder =
            Self::builder().base_url(variable("MLBENCH_URL").unwrap_or_else(|| DEFAULT_URL.to_owned()));
        match variable("MLBENCH_TOKEN") {
            Some(token) => builder.token(token),
            None => builder,
        }
    }

    /// The client of [`Client::builder_from_env`].
    ///
    /// ```
    /// let client = mlbench_client::Client::from_env()?;
    /// assert!(client.base_url().starts_with("http"));
    /// # Ok::<(), mlbench_client::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidUrl`](Error::InvalidUrl) when `MLBENCH_URL` holds something else than an address,
    /// [`InvalidToken`](Error::InvalidToken) when `MLBENCH_TOKEN` holds what cannot be one.
    pub fn from_env() -> Result<Self> {
        Self::builder_from_env().build()
    }

    /// The address of the server, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.0.transport.base()
    }

    /// Runs: start, watch, stop, delete, their output.
    #[must_use]
    pub const fn runs(&self) -> Runs<'_> {
        Runs { client: self }
    }

    /// Metrics of runs and pods.
    #[must_use]
    pub const fn metrics(&self) -> Metrics<'_> {
        Metrics { client: self }
    }

    /// The worker pods.
    #[must_use]
    pub const fn pods(&self) -> Pods<'_> {
        Pods { client: self }
    }

    /// Whether the server lives and is ready.
    #[must_use]
    pub const fn health(&self) -> Health<'_> {
        Health { client: self }
    }

    /// Records metrics of `owner` in the background; see [`MetricLogger`].
    ///
    /// Outside of a tokio runtime the logger takes nothing and says so at every
    /// [`record`](MetricLogger::record).
    #[must_use]
    pub fn metric_logger(&self, owner: Owner) -> MetricLogger {
        MetricLogger::new(self.clone(), owner)
    }

    /// Calls until it succeeds or fails for good: while the server is away, overloaded or at fault, it is called again
    /// with growing pauses, for as long as the builder's [`give_up_after`](ClientBuilder::give_up_after) says. Meant for
    /// calls that are safe to repeat, in programs that outlive a restart of the server.
    ///
    /// # Errors
    /// The last one when time is up, else the first that a repetition would not help.
    ///
    /// ```
    /// # use mlbench_client::{Client, RunsQuery};
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/responder.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let client = Client::builder().base_url(responder()?).build()?;
    /// let pods = client.patiently(|| client.pods().list()).await?;
    /// assert_eq!(pods[0].labels["app"], "mlbench");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn patiently<T, F: Future<Output = Result<T>>>(&self, call: impl FnMut() -> F) -> Result<T> {
        let deadline = Instant::now() + self.0.give_up_after;
        retry::until(|| deadline, |error, attempt| (self.0.listener.0)(error, attempt), call).await
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.0.transport
    }

    pub(crate) fn give_up_after(&self) -> Duration {
        self.0.give_up_after
    }
}

/// Makes a [`Client`].
#[derive(Debug, Clone)]
pub struct ClientBuilder {
    base_url: String,
    token: Option<Token>,
    timeout: Duration,
    give_up_after: Duration,
    listener: Listener,
}

/// What opens the server; shown by nothing.
#[derive(Clone)]
struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

impl ClientBuilder {
    /// The address of the server, with or without a slash at the end; [`DEFAULT_URL`] when it is not called.
    #[must_use]
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// The token that the server asks for: its own, or the one that the workers of a run are given to post metrics with.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(Token(token.into()));
        self
    }

    /// How long to wait for a connection, and for the next piece of an answer; 30 s when it is not called.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long to go on trying what may succeed later, where calls are repeated at all (metrics and
    /// [`Client::patiently`]); 60 s when it is not called.
    #[must_use]
    pub const fn give_up_after(mut self, duration: Duration) -> Self {
        self.give_up_after = duration;
        self
    }

    /// Tells `listener` of each failure after which a call is tried again, with the number of attempts so far (from 1): a
    /// program can say why it takes so long. A [`MetricLogger`] tells of its own only at the
    /// [`flush`](MetricLogger::flush).
    #[must_use]
    pub fn on_retry(mut self, listener: impl Fn(&Error, u32) + Send + Sync + 'static) -> Self {
        self.listener = Listener(Arc::new(listener));
        self
    }

    /// Makes the client; nothing is sent yet.
    ///
    /// # Errors
    /// [`InvalidUrl`](Error::InvalidUrl) for an address that is none, [`InvalidToken`](Error::InvalidToken) for a token
    /// that cannot be one, [`Setup`](Error::Setup) when TLS cannot be set up.
    pub fn build(self) -> Result<Client> {
        let token = self.token.as_ref().map(|Token(token)| token.as_str());
        let transport = Transport::new(&self.base_url, token, self.timeout)?;
        Ok(Client(Arc::new(Inner { transport, give_up_after: self.give_up_after, listener: self.listener })))
    }
}
