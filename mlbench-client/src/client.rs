//! [`Client`]: the connection settings and the retry policy for one server.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Error, Result};
use crate::retry::{self, Backoff};
use crate::transport::Transport;

/// Default URL of the server.
pub const DEFAULT_URL: &str = "http://127.0.0.1:8000";

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
const DEFAULT_RETRY_TIMEOUT: Duration = Duration::from_secs(60);

/// A client of one server. Cheap to clone: clones share their connections.
///
/// Its methods need a tokio runtime. Those that store, start or stop something retry by themselves.
#[derive(Debug, Clone)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    transport: Transport,
    retry_timeout: Duration,
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
    #[must_use]
    pub fn builder() -> ClientBuilder {
        ClientBuilder {
            base_url: DEFAULT_URL.to_owned(),
            token: None,
            timeout: DEFAULT_TIMEOUT,
            retry_timeout: DEFAULT_RETRY_TIMEOUT,
            on_retry: RetryCallback(Arc::new(|_, _| ())),
            on_loss: LossCallback(Arc::new(|lost, error| tracing::warn!(lost, %error, "metrics lost"))),
        }
    }

    /// Returns a builder with the URL in `MLBENCH_URL` and the token in `MLBENCH_TOKEN`.
    ///
    /// Without `MLBENCH_URL`, the URL is [`DEFAULT_URL`]. The server sets both variables for the workers of a
    /// run.
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
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.0.transport.base_url()
    }

    /// Repeats `operation` until it succeeds, fails for good, or the retry timeout ends.
    ///
    /// It retries with growing pauses while the server is unreachable, overloaded or failing, up to the
    /// [`retry_timeout`](ClientBuilder::retry_timeout). The operation must be safe to repeat.
    ///
    /// ```no_run
    /// # async fn example(client: mlbench_client::Client) -> mlbench_client::Result<()> {
    /// let pods = client.with_retries(|| client.pods().list()).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The first error that is not retryable, or the last error when the retry timeout ends.
    pub async fn with_retries<T, F: Future<Output = Result<T>>>(
        &self,
        operation: impl FnMut() -> F,
    ) -> Result<T> {
        self.with_pauses(retry::pauses(), operation).await
    }

    /// Repeats like [`with_retries`](Self::with_retries), with other pauses.
    pub(crate) async fn with_pauses<T, F: Future<Output = Result<T>>>(
        &self,
        pauses: Backoff,
        operation: impl FnMut() -> F,
    ) -> Result<T> {
        let deadline = retry::later(Instant::now(), self.0.retry_timeout);
        retry::until(pauses, || deadline, |error, attempt| (self.0.on_retry.0)(error, attempt), operation)
            .await
    }

    /// Returns a client for another runtime: connections belong to the runtime that opened them.
    pub(crate) fn with_own_connections(&self) -> Result<Self> {
        let Inner { transport, retry_timeout, on_retry, on_loss } = &*self.0;
        let transport = transport.with_own_connections()?;
        let (on_retry, on_loss) = (on_retry.clone(), on_loss.clone());
        Ok(Self(Arc::new(Inner { transport, retry_timeout: *retry_timeout, on_retry, on_loss })))
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.0.transport
    }

    pub(crate) fn retry_timeout(&self) -> Duration {
        self.0.retry_timeout
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
    retry_timeout: Duration,
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
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(Token(token.into()));
        self
    }

    /// Sets how long to wait for a connection and for the next bytes of a response. Default: 30 s.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how long to retry a POST and [`Client::with_retries`]. Default: 60 s.
    #[must_use]
    pub const fn retry_timeout(mut self, timeout: Duration) -> Self {
        self.retry_timeout = timeout;
        self
    }

    /// Sets a callback for each retry, which receives the failure and the number of attempts so far (from 1).
    ///
    /// A [`MetricLogger`](crate::MetricLogger) does not call it: [`flush`](crate::MetricLogger::flush)
    /// and [`on_loss`](Self::on_loss) report its failures.
    #[must_use]
    pub fn on_retry(mut self, callback: impl Fn(&Error, u32) + Send + Sync + 'static) -> Self {
        self.on_retry = RetryCallback(Arc::new(callback));
        self
    }

    /// Sets a callback for metrics that a [`MetricLogger`](crate::MetricLogger) loses while the program runs.
    ///
    /// It receives the number of metrics lost since its last call, at most every 10 s, and why the last of them
    /// was lost. Default: a warning through `tracing`.
    #[must_use]
    pub fn on_loss(mut self, callback: impl Fn(u64, &Error) + Send + Sync + 'static) -> Self {
        self.on_loss = LossCallback(Arc::new(callback));
        self
    }

    /// Builds the client without sending anything.
    ///
    /// # Errors
    /// [`InvalidUrl`](Error::InvalidUrl) or [`InvalidToken`](Error::InvalidToken) for a value that is not
    /// valid, [`Setup`](Error::Setup) when TLS cannot be set up.
    pub fn build(self) -> Result<Client> {
        let token = self.token.as_ref().map(|Token(token)| token.as_str());
        let transport = Transport::new(&self.base_url, token, self.timeout.min(retry::LONGEST))?;
        let Self { retry_timeout, on_retry, on_loss, .. } = self;
        Ok(Client(Arc::new(Inner { transport, retry_timeout, on_retry, on_loss })))
    }
}
