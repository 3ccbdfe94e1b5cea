//! [`Client`]: the connection settings and the retry policy for one server.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::request::Request;
use crate::retry::{self, Backoff, RetryPolicy};
use crate::transport::Transport;

/// Default URL of the server.
pub const DEFAULT_URL: &str = "http://127.0.0.1:8000";

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// A client of one server. Cheap to clone: clones share their connections.
///
/// Its methods need a tokio runtime. Those that store, start or stop something retry by themselves.
#[derive(Debug, Clone)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    transport: Arc<Transport>,
    retry: RetryPolicy,
    on_retry: RetryCallback,
    on_loss: LossCallback,
}

/// Called before each retry with the failure and the number of attempts so far.
#[derive(Clone)]
struct RetryCallback(Arc<OnRetry>);

type OnRetry = dyn Fn(&Error, u32) + Send + Sync;

impl fmt::Debug for RetryCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RetryCallback")
    }
}

/// Called with the number of metrics that a logger lost, and why the last of them was lost.
#[derive(Clone)]
struct LossCallback(Arc<OnLoss>);

type OnLoss = dyn Fn(u64, &Error) + Send + Sync;

impl fmt::Debug for LossCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LossCallback")
    }
}

impl Client {
    /// Returns a builder for a client of the server at [`DEFAULT_URL`].
    ///
    /// ```
    /// use mlbench_client::Client;
    ///
    /// let client = Client::builder().base_url("http://127.0.0.1:8000/").build()?;
    /// assert_eq!(client.base_url(), "http://127.0.0.1:8000");
    /// # Ok::<(), mlbench_client::Error>(())
    /// ```
    #[must_use]
    pub fn builder() -> ClientBuilder {
        ClientBuilder {
            base_url: DEFAULT_URL.to_owned(),
            token: None,
            timeout: DEFAULT_TIMEOUT,
            retry: RetryPolicy::new(),
            on_retry: RetryCallback(Arc::new(|_, _| ())),
            on_loss: LossCallback(Arc::new(|lost, error| tracing::warn!(lost, %error, "metrics lost"))),
        }
    }

    /// Returns a builder with the URL in `MLBENCH_URL` and the token in `MLBENCH_TOKEN`.
    ///
    /// Without `MLBENCH_URL`, the URL is [`DEFAULT_URL`]. The server sets both variables for the workers of a
    /// run.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use mlbench_client::Client;
    ///
    /// let client = Client::builder_from_env().timeout(Duration::from_secs(5)).build()?;
    /// # Ok::<(), mlbench_client::Error>(())
    /// ```
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

    /// Returns the client that [`Client::builder_from_env`] builds.
    ///
    /// ```
    /// let client = mlbench_client::Client::from_env()?;
    /// assert!(client.base_url().starts_with("http"));
    /// # Ok::<(), mlbench_client::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidUrl`](Error::InvalidUrl) when `MLBENCH_URL` is not the URL of a server,
    /// [`InvalidToken`](Error::InvalidToken) when `MLBENCH_TOKEN` is not a valid token.
    pub fn from_env() -> Result<Self> {
        Self::builder_from_env().build()
    }

    /// Returns the URL of the server without a trailing slash.
    ///
    /// ```
    /// let client = mlbench_client::Client::builder().base_url("https://mlbench.example/").build()?;
    /// assert_eq!(client.base_url(), "https://mlbench.example");
    /// # Ok::<(), mlbench_client::Error>(())
    /// ```
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.0.transport.base_url()
    }

    /// Returns the version of the server with the commit and the date of its build, once it has responded.
    ///
    /// `None` also from a server before this version of the client. The text is for people, such as
    /// `0.1.0 (1a2b3c4d5 2026-11-27)`.
    ///
    /// ```
    /// let client = mlbench_client::Client::builder().build()?;
    /// assert_eq!(client.server_version(), None);
    /// # Ok::<(), mlbench_client::Error>(())
    /// ```
    #[must_use]
    pub fn server_version(&self) -> Option<&str> {
        self.0.transport.server_version()
    }

    /// Returns a client with another retry policy, for one call or many.
    ///
    /// It shares the connections of this one.
    ///
    /// ```
    /// use mlbench_client::RetryPolicy;
    ///
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// let pods = client.with_retry(RetryPolicy::new().reads(true)).pods().list().await?;
    /// # }) }
    /// ```
    #[must_use]
    pub fn with_retry(&self, retry: RetryPolicy) -> Self {
        let Inner { transport, on_retry, on_loss, .. } = &*self.0;
        let (transport, on_retry) = (Arc::clone(transport), on_retry.clone());
        Self(Arc::new(Inner { transport, retry, on_retry, on_loss: on_loss.clone() }))
    }

    /// Repeats `operation` until it succeeds, fails for good, or the [policy](RetryPolicy) ends.
    ///
    /// It repeats it as a read that the policy permits. The operation must be safe to repeat.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// let pods = client.with_retries(|| client.pods().list()).await?;
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// The first error that is not retryable, or the last error when the retry timeout ends.
    pub async fn with_retries<T, F: Future<Output = Result<T>>>(
        &self,
        operation: impl FnMut() -> F,
    ) -> Result<T> {
        self.with_pauses(self.0.retry.backoff(), operation).await
    }

    /// Repeats like [`with_retries`](Self::with_retries), with other pauses.
    pub(crate) async fn with_pauses<T, F: Future<Output = Result<T>>>(
        &self,
        pauses: Backoff,
        operation: impl FnMut() -> F,
    ) -> Result<T> {
        retry::repeat(&self.0.retry, pauses, |error, attempt| (self.0.on_retry.0)(error, attempt), operation)
            .await
    }

    /// Sends a request and decodes its response. Repeats it if it reads, and the policy repeats reads.
    pub(crate) async fn json<T: DeserializeOwned>(&self, request: &Request) -> Result<T> {
        self.read(request, || self.transport().json(request)).await
    }

    /// Calls `operation`, which sends the request, as often as the policy says for it.
    pub(crate) async fn read<T, F: Future<Output = Result<T>>>(
        &self,
        request: &Request,
        mut operation: impl FnMut() -> F,
    ) -> Result<T> {
        if self.0.retry.reads && request.is_read() {
            self.with_retries(operation).await
        } else {
            operation().await
        }
    }

    /// Returns a client for another runtime: connections belong to the runtime that opened them.
    pub(crate) fn with_own_connections(&self) -> Result<Self> {
        let Inner { transport, retry, on_retry, on_loss } = &*self.0;
        let transport = Arc::new(transport.with_own_connections()?);
        let (retry, on_retry, on_loss) = (retry.clone(), on_retry.clone(), on_loss.clone());
        Ok(Self(Arc::new(Inner { transport, retry, on_retry, on_loss })))
    }

    /// Checks that the next page has another position than this one, which would repeat without an end.
    pub(crate) fn check_advance(&self, request: &Request, advances: bool) -> Result<()> {
        let cause = "its position for the next page does not advance".to_owned();
        let url = self.transport().url(request);
        if advances { Ok(()) } else { Err(Error::InvalidResponse { url, cause }) }
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.0.transport
    }

    pub(crate) fn retry_timeout(&self) -> Duration {
        self.0.retry.timeout
    }

    pub(crate) fn report_loss(&self, lost: u64, error: &Error) {
        (self.0.on_loss.0)(lost, error);
    }
}

/// Builds a [`Client`].
#[derive(Debug, Clone)]
pub struct ClientBuilder {
    base_url: String,
    token: Option<Token>,
    timeout: Duration,
    retry: RetryPolicy,
    on_retry: RetryCallback,
    on_loss: LossCallback,
}

/// A bearer token whose `Debug` output hides it.
#[derive(Clone)]
struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

impl ClientBuilder {
    /// Sets the URL of the server, with or without a trailing slash. Default: [`DEFAULT_URL`].
    #[must_use]
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// Sets the bearer token: the server's own, or the one that the workers of a run post metrics with.
    ///
    /// ```
    /// let client = mlbench_client::Client::builder().token("7f3a").build()?;
    /// # Ok::<(), mlbench_client::Error>(())
    /// ```
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(Token(token.into()));
        self
    }

    /// Sets how long to wait for a connection and for the next bytes of a response. Default: 30 s.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let client = mlbench_client::Client::builder().timeout(Duration::from_secs(5)).build()?;
    /// # Ok::<(), mlbench_client::Error>(())
    /// ```
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets which requests are repeated, and for how long.
    ///
    /// ```
    /// use mlbench_client::{Client, RetryPolicy};
    ///
    /// let client = Client::builder().retry(RetryPolicy::new().reads(true)).build()?;
    /// # Ok::<(), mlbench_client::Error>(())
    /// ```
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Sets the [timeout](RetryPolicy::timeout) of the retry policy. Default: 60 s.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let client = mlbench_client::Client::builder().retry_timeout(Duration::from_secs(600)).build()?;
    /// # Ok::<(), mlbench_client::Error>(())
    /// ```
    #[must_use]
    pub const fn retry_timeout(mut self, timeout: Duration) -> Self {
        self.retry.timeout = timeout;
        self
    }

    /// Sets a callback for each retry, which receives the failure and the number of attempts so far (from 1).
    ///
    /// A [`MetricLogger`](crate::MetricLogger) does not call it: [`flush`](crate::MetricLogger::flush)
    /// and [`on_loss`](Self::on_loss) report its failures.
    ///
    /// ```
    /// let builder = mlbench_client::Client::builder();
    /// let client = builder.on_retry(|error, attempt| eprintln!("attempt {attempt}: {error}")).build()?;
    /// # Ok::<(), mlbench_client::Error>(())
    /// ```
    #[must_use]
    pub fn on_retry(mut self, callback: impl Fn(&Error, u32) + Send + Sync + 'static) -> Self {
        self.on_retry = RetryCallback(Arc::new(callback));
        self
    }

    /// Sets a callback for metrics that a [`MetricLogger`](crate::MetricLogger) loses while the program runs.
    ///
    /// It receives the number of metrics lost since its last call, at most every 10 s, and why the last of them
    /// was lost. Default: a warning through `tracing`.
    ///
    /// ```
    /// let builder = mlbench_client::Client::builder();
    /// let client = builder.on_loss(|lost, error| eprintln!("{lost} metrics lost: {error}")).build()?;
    /// # Ok::<(), mlbench_client::Error>(())
    /// ```
    #[must_use]
    pub fn on_loss(mut self, callback: impl Fn(u64, &Error) + Send + Sync + 'static) -> Self {
        self.on_loss = LossCallback(Arc::new(callback));
        self
    }

    /// Builds the client without sending anything.
    ///
    /// ```
    /// use mlbench_client::{Client, Error};
    ///
    /// let error = Client::builder().base_url("127.0.0.1:8000").build().unwrap_err();
    /// assert!(matches!(error, Error::InvalidUrl { .. }));
    /// # Ok::<(), mlbench_client::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidUrl`](Error::InvalidUrl) or [`InvalidToken`](Error::InvalidToken) for a value that is not
    /// valid, [`Setup`](Error::Setup) when TLS cannot be set up.
    pub fn build(self) -> Result<Client> {
        let token = self.token.as_ref().map(|Token(token)| token.as_str());
        let transport = Transport::new(&self.base_url, token, self.timeout.min(retry::LONGEST))?;
        let (transport, Self { retry, on_retry, on_loss, .. }) = (Arc::new(transport), self);
        Ok(Client(Arc::new(Inner { transport, retry, on_retry, on_loss })))
    }
}
