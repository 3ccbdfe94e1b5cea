//! [`Error`]: why a call did not give what it promises.

use std::sync::Arc;
use std::time::Duration;

use mlbench_core::ErrorCode;
use mlbench_core::api::Problem;

/// The result of every call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed; its text is a sentence for people, that says what to do where that is known.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server refused the request or failed at it, and says why.
    #[error("{}", sentence(.problem))]
    Problem {
        /// What the server says: status, code, detail, request id.
        problem: Box<Problem>,
        /// After how long a new attempt is worth it, where the server says so.
        retry_after: Option<Duration>,
    },
    /// An error status without a problem document: something between here and the server, or no mlbench at all.
    #[error("{url} answered {status}, not as an mlbench server does{}; check the address", excerpt(.body))]
    Foreign {
        /// What was asked.
        url: String,
        /// The status.
        status: u16,
        /// The beginning of the body.
        body: String,
        /// After how long a new attempt is worth it, where the answer says so.
        retry_after: Option<Duration>,
    },
    /// No connection came about.
    #[error(
        "no server can be reached at {url} ({cause}); `mlbench-server` starts one here, MLBENCH_URL names another"
    )]
    Unreachable {
        /// The address of the server.
        url: String,
        /// The reason in the words of the system.
        cause: String,
    },
    /// Nothing came within the timeout. Whether the request was carried out is not known.
    #[error("{url} did not answer within {} s; the server may be overloaded or stopped", .after.as_secs_f64())]
    Timeout {
        /// What was asked.
        url: String,
        /// The timeout.
        after: Duration,
    },
    /// The connection broke before the whole answer was there. Whether the request was carried out is not known.
    #[error(
        "the connection to {url} broke before the answer was complete ({cause}); was the server stopped?"
    )]
    Interrupted {
        /// What was asked.
        url: String,
        /// The reason in the words of the system.
        cause: String,
    },
    /// A successful answer that is not what this endpoint answers.
    #[error("the answer of {url} cannot be read ({cause}); are server and client of the same version?")]
    Undecodable {
        /// What was asked.
        url: String,
        /// What is wrong with it, with line and column.
        cause: String,
    },
    /// The address of the server is none.
    #[error("{url:?} is not the address of a server ({cause}); write it like http://127.0.0.1:8000")]
    InvalidUrl {
        /// What was given.
        url: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The token is none; it is not shown.
    #[error("the token cannot be sent: it must be one word of visible ASCII characters")]
    InvalidToken,
    /// The client could not be made: TLS or the system refuses.
    #[error("the HTTP client cannot be set up ({0})")]
    Setup(String),
    /// What was asked breaks a rule; nothing was sent.
    #[error("{0}")]
    Invalid(#[from] mlbench_core::Error),
    /// The target of a download does not take it.
    #[error("the download cannot be written ({0})")]
    Write(#[source] Arc<std::io::Error>),
    /// A [`MetricLogger`](crate::MetricLogger) has as many metrics waiting as it may; this one was not taken.
    #[error(
        "{capacity} metrics are waiting to be sent already; this one is lost (is the server too slow or away?)"
    )]
    QueueFull {
        /// How many may wait.
        capacity: usize,
    },
    /// A [`MetricLogger`](crate::MetricLogger) whose tokio runtime has ended, or that was made outside of one.
    #[error("the metric logger does not run: it needs the tokio runtime that it was made in")]
    LoggerStopped,
    /// A metric that waited behind others while the server was away, and was given up without being sent.
    #[error("nothing could be stored for {} s", .after.as_secs_f64())]
    GivenUp {
        /// How long was waited.
        after: Duration,
    },
    /// The server took a batch, but not this metric of it.
    #[error("{message}")]
    Rejected {
        /// Why, for programs.
        code: ErrorCode,
        /// Why, for people.
        message: String,
    },
    /// Metrics that a [`MetricLogger`](crate::MetricLogger) could not store.
    #[error("{lost} of the recorded metrics could not be stored, the first because: {first}")]
    MetricsLost {
        /// How many, since the last report.
        lost: u64,
        /// Why the first of them was.
        first: Box<Error>,
    },
}

fn sentence(problem: &Problem) -> String {
    match problem.status {
        500.. => format!("{} (status {}, request id {})", problem.detail, problem.status, problem.request_id),
        _ => problem.detail.clone(),
    }
}

fn excerpt(body: &str) -> String {
    if body.is_empty() { String::new() } else { format!(" ({body:?})") }
}

impl Error {
    /// The status of the answer, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Problem { problem, .. } => Some(problem.status),
            Self::Foreign { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// What the server says of the problem, if it does.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem { problem, .. } => Some(problem),
            _ => None,
        }
    }

    /// The kind of problem, if the server named one.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Rejected { code, .. } => Some(*code),
            _ => self.problem().map(|problem| problem.code),
        }
    }

    /// The name of the request in the server's log, if there is one.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.problem().map(|problem| problem.request_id.as_str())
    }

    /// After how long a new attempt is worth it, where the answer says so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Problem { retry_after, .. } | Self::Foreign { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the same request may succeed later without being changed: the server is away, too slow, overloaded
    /// or at fault.
    #[must_use]
    pub fn retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Timeout { .. } | Self::Interrupted { .. } => true,
            _ => self.status().is_some_and(|status| matches!(status, 408 | 425 | 429 | 500..)),
        }
    }

    /// Whether no answer came: the server is not there, or does not answer.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Timeout { .. } | Self::Interrupted { .. })
    }
}
