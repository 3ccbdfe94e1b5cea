//! What can go wrong, without any notion of HTTP.
//!
//! An [`Error`] carries two texts: `detail` is for the caller and names what would be right; `internal` is for
//! the log and may hold SQL, paths and addresses.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The result of everything in mlbench that can be refused.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kinds of error, as a program tells them apart (the member `code` of a problem document).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The body or the request line cannot be read at all (broken JSON, broken multipart).
    Malformed,
    /// A field or query parameter has a value it may not have.
    InvalidField,
    /// A field or query parameter that does not exist.
    UnknownField,
    /// There is no credential, or it is not the right one.
    Unauthorized,
    /// The credential is known and does not reach that far.
    Forbidden,
    /// The `Host` is not one this server answers to.
    ForbiddenHost,
    /// The request comes from a page of another site.
    ForbiddenOrigin,
    /// The resource does not exist.
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// None of the media types in `Accept` can be had.
    NotAcceptable,
    /// The body has a media type that is not read here.
    UnsupportedMediaType,
    /// The body is larger than the limit.
    PayloadTooLarge,
    /// The body did not arrive in time.
    RequestTimeout,
    /// A run is active already.
    RunActive,
    /// A deleted run is still being torn down.
    RunDeleting,
    /// Valid, and impossible on this cluster.
    InsufficientCapacity,
    /// The `Idempotency-Key` was used for a different request.
    IdempotencyKeyReused,
    /// More work is waiting than the server takes on; try again.
    Overloaded,
    /// Something that the request needs is not there now.
    Unavailable,
    /// The server's own fault.
    Internal,
    /// A code that a newer server knows.
    #[serde(other)]
    Unknown,
}

impl ErrorCode {
    /// The code as it stands on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::InvalidField => "invalid_field",
            Self::UnknownField => "unknown_field",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::ForbiddenHost => "forbidden_host",
            Self::ForbiddenOrigin => "forbidden_origin",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::NotAcceptable => "not_acceptable",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::PayloadTooLarge => "payload_too_large",
            Self::RequestTimeout => "request_timeout",
            Self::RunActive => "run_active",
            Self::RunDeleting => "run_deleting",
            Self::InsufficientCapacity => "insufficient_capacity",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::Overloaded => "overloaded",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the same request may succeed later without being changed.
    #[must_use]
    pub const fn retryable(self) -> bool {
        matches!(self, Self::RequestTimeout | Self::Overloaded | Self::Unavailable | Self::Internal)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A refusal or a failure: a code for programs, a sentence for people, a text for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    code: ErrorCode,
    detail: String,
    internal: Option<String>,
    retry_after: Option<Duration>,
}

impl Error {
    /// An error whose `detail` may be shown to anybody.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), internal: None, retry_after: None }
    }

    /// A field or parameter `field` that may not have the value it has; `expected` says what would be right.
    pub fn invalid(field: &str, expected: impl fmt::Display) -> Self {
        Self::new(ErrorCode::InvalidField, format!("{field}: {expected}"))
    }

    /// Nothing is there under the name that was asked for; `what` is the subject of the sentence ("run 7").
    pub fn not_found(what: impl fmt::Display) -> Self {
        Self::new(ErrorCode::NotFound, format!("{what} does not exist"))
    }

    /// The server's own fault: `internal` goes to the log, the caller learns only that it happened.
    pub fn internal(internal: impl fmt::Display) -> Self {
        Self {
            code: ErrorCode::Internal,
            detail: "the server could not answer; its log says why under this request id".to_owned(),
            internal: Some(internal.to_string()),
            retry_after: None,
        }
    }

    /// Adds what only the log may say.
    #[must_use]
    pub fn with_internal(mut self, internal: impl fmt::Display) -> Self {
        self.internal = Some(internal.to_string());
        self
    }

    /// Adds after how long a new attempt is worth it.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// The kind of error.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    /// The sentence for the caller.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What only the log may say, if there is more to say than [`Error::detail`].
    #[must_use]
    pub fn internal_text(&self) -> Option<&str> {
        self.internal.as_deref()
    }

    /// After how long a new attempt is worth it, where that is known.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Whether the same request may succeed later without being changed.
    #[must_use]
    pub const fn retryable(&self) -> bool {
        self.code.retryable()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Error {}
