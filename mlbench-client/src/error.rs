//! [`Error`]: why a request failed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mlbench_core::ErrorCode;
use mlbench_core::api::Problem;
use mlbench_core::quote::quote;

/// Result of every method of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request failed. The text is for people and includes the fix where it is known.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server returned a problem document.
    #[error("{}", describe(.problem))]
    Problem {
        /// The problem document: status, code, detail, request id.
        problem: Box<Problem>,
        /// Value of `Retry-After`, if the server sent one.
        retry_after: Option<Duration>,
    },
    /// An error status without a problem document, from a proxy or from a server that is not mlbench.
    #[error("{url}: unexpected response with status {status}{}; check the server URL", excerpt(.body))]
    UnexpectedResponse {
        /// URL of the request.
        url: String,
        /// Status of the response.
        status: u16,
        /// First bytes of the body.
        body: String,
        /// Value of `Retry-After`, if the response has one.
        retry_after: Option<Duration>,
    },
    /// No connection could be made.
    #[error(
        "cannot connect to {url}: {cause}; start `mlbench-server`, or set MLBENCH_URL to a running server"
    )]
    Unreachable {
        /// URL of the server.
        url: String,
        /// Reason given by the system.
        cause: String,
    },
    /// No bytes arrived within the timeout. The server may have carried out the request.
    #[error("{url}: no response within {} s; the server may be overloaded or stopped", .after.as_secs_f64())]
    Timeout {
        /// URL of the request.
        url: String,
        /// The timeout.
        after: Duration,
    },
    /// The connection closed before the response was complete. The server may have carried out the request.
    #[error("{url}: connection lost before the response was complete: {cause}; the server may have stopped")]
    Interrupted {
        /// URL of the request.
        url: String,
        /// Reason given by the system.
        cause: String,
    },
    /// A successful response whose body does not have the type of the endpoint.
    #[error("{url}: invalid response: {cause}; check that client and server have the same version")]
    InvalidResponse {
        /// URL of the request.
        url: String,
        /// What is wrong with the body, with line and column.
        cause: String,
    },
    /// The URL of the server is not valid.
    #[error("server URL {}: {cause}; write it like http://127.0.0.1:8000", quote(.url))]
    InvalidUrl {
        /// The URL.
        url: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The token is not valid. The error does not contain it.
    #[error("token: not valid in a header; use one word of visible ASCII characters")]
    InvalidToken,
    /// TLS or the system failed while the client was built.
    #[error("cannot set up the HTTP client: {0}")]
    Setup(String),
    /// The arguments break a rule of the API. Nothing was sent.
    #[error("{0}")]
    Invalid(#[from] mlbench_core::Error),
    /// The target of a download returned an error.
    #[error("cannot write the download: {0}")]
    Write(#[source] Arc<std::io::Error>),
    /// The queue of a [`MetricLogger`](crate::MetricLogger) is full, so this metric is lost.
    #[error("metric queue: full with {waiting} metrics; the server may be overloaded or unreachable")]
    QueueFull {
        /// Number of metrics that wait for the server.
        waiting: usize,
    },
    /// The thread of a [`MetricLogger`](crate::MetricLogger) has ended, or could not start.
    #[error("metric logger: not running; the system did not start its thread, or a callback has panicked")]
    LoggerStopped,
    /// The spool of a [`MetricLogger`](crate::MetricLogger) cannot be used.
    #[error("spool {}: {cause}", quote(.spool))]
    Spool {
        /// The directory.
        spool: String,
        /// What is wrong with it, and the fix.
        cause: String,
    },
    /// Metrics that still wait when a flush ends.
    #[error("{}", waiting(*.pending, *.spooled, .spool.as_deref(), .last.as_deref()))]
    NotSent {
        /// Metrics that wait in memory, and are lost when the program ends.
        pending: u64,
        /// Metrics that wait in the spool.
        spooled: u64,
        /// The spool.
        spool: Option<PathBuf>,
        /// Why the server did not take the last batch. `None` if it did, or has not responded yet.
        last: Option<Box<Error>>,
    },
    /// A metric that was dropped after one attempt without a response, because the retry timeout was over.
    #[error("the server stored nothing for {} s and does not respond", .after.as_secs_f64())]
    RetryTimeout {
        /// The retry timeout.
        after: Duration,
    },
    /// The server stored a batch without this metric.
    #[error("{message}")]
    Rejected {
        /// Reason for programs.
        code: ErrorCode,
        /// Reason for people.
        message: String,
    },
    /// Metrics that a [`MetricLogger`](crate::MetricLogger) could not store.
    #[error("{} lost; first error: {first}", recorded(*lost))]
    MetricsLost {
        /// Number of metrics lost since the last report.
        lost: u64,
        /// Why the first of them was lost.
        first: Box<Error>,
    },
}

fn describe(problem: &Problem) -> String {
    match problem.status {
        500.. => format!("{} (status {}, request id {})", problem.detail, problem.status, problem.request_id),
        _ => problem.detail.clone(),
    }
}

fn recorded(count: u64) -> String {
    if count == 1 { "1 recorded metric was".to_owned() } else { format!("{count} recorded metrics were") }
}

fn waiting(pending: u64, spooled: u64, spool: Option<&Path>, last: Option<&Error>) -> String {
    let metrics =
        |count| if count == 1 { "1 metric waits".to_owned() } else { format!("{count} metrics wait") };
    let in_memory = format!("{} in memory, lost when the program ends", metrics(pending));
    let place =
        match spool.map(|spool| format!("{} in {} for the next logger", metrics(spooled), spool.display())) {
            None => in_memory,
            Some(in_spool) if pending == 0 => in_spool,
            Some(in_spool) => format!("{in_spool}, {in_memory}"),
        };
    match last {
        Some(last) => format!("{place}; the server does not take metrics: {last}"),
        None => format!("{place}; the server has not responded yet"),
    }
}

fn excerpt(body: &str) -> String {
    if body.is_empty() { String::new() } else { format!(" ({body:?})") }
}

impl Error {
    /// Returns the status of the response, if one arrived.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::RunId;
    ///
    /// let error = client.runs().get(RunId::new(8).ok_or("no id")?).await.unwrap_err();
    /// assert_eq!(error.status(), Some(404));
    /// # }) }
    /// ```
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Problem { problem, .. } => Some(problem.status),
            Self::UnexpectedResponse { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Returns the problem document, if the server sent one.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::RunId;
    ///
    /// let error = client.runs().get(RunId::new(8).ok_or("no id")?).await.unwrap_err();
    /// assert_eq!(error.problem().ok_or("no problem")?.detail, "run 8 does not exist");
    /// # }) }
    /// ```
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem { problem, .. } => Some(problem),
            _ => None,
        }
    }

    /// Returns the error code, if the server sent one.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::{ErrorCode, RunId};
    ///
    /// let error = client.runs().get(RunId::new(8).ok_or("no id")?).await.unwrap_err();
    /// assert_eq!(error.code(), Some(ErrorCode::NotFound));
    /// # }) }
    /// ```
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Rejected { code, .. } => Some(*code),
            _ => self.problem().map(|problem| problem.code),
        }
    }

    /// Returns the id of the request in the server log, if the server sent one.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::RunId;
    ///
    /// let error = client.runs().get(RunId::new(8).ok_or("no id")?).await.unwrap_err();
    /// assert_eq!(error.request_id(), Some("r-1"));
    /// # }) }
    /// ```
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.problem().map(|problem| problem.request_id.as_str())
    }

    /// Returns the value of `Retry-After`, if the response has one.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::RunId;
    ///
    /// let error = client.runs().get(RunId::new(8).ok_or("no id")?).await.unwrap_err();
    /// assert_eq!(error.retry_after(), None);
    /// # }) }
    /// ```
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Problem { retry_after, .. } | Self::UnexpectedResponse { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Returns whether the same request may succeed soon: the server is unreachable, overloaded or failing.
    ///
    /// A server that responds `unavailable` without `Retry-After` lacks something that only people can provide.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::RunId;
    ///
    /// let error = client.runs().get(RunId::new(8).ok_or("no id")?).await.unwrap_err();
    /// assert!(!error.retryable());
    /// # }) }
    /// ```
    #[must_use]
    pub fn retryable(&self) -> bool {
        match self {
            Self::Problem { problem, retry_after: None } if problem.code == ErrorCode::Unavailable => false,
            Self::Unreachable { .. } | Self::Timeout { .. } | Self::Interrupted { .. } => true,
            _ => self.status().is_some_and(|status| matches!(status, 408 | 425 | 429 | 500..)),
        }
    }

    /// Returns whether no complete response arrived.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::{Client, RetryPolicy};
    ///
    /// let away = Client::builder().base_url("http://127.0.0.1:1").build()?;
    /// assert!(away.pods().list().await.unwrap_err().is_unreachable());
    /// # }) }
    /// ```
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Timeout { .. } | Self::Interrupted { .. })
    }
}
