//! Errors of the API.
//!
//! An [`Error`] carries two texts: `detail` for the caller, and `internal` for the log, which may contain SQL, paths
//! and addresses. The server's `http/problem.rs` maps each code to an HTTP status.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::quote::{MAX_MESSAGE_CHARS, shorten_message};

/// A result with [`Error`] as the default error type.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Machine-readable kind of an error, the member `code` of a problem document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The request cannot be parsed (broken JSON, broken multipart, broken request line).
    Malformed,
    /// A field or query parameter has an invalid value.
    InvalidField,
    /// The request contains a field or query parameter that the endpoint does not know.
    UnknownField,
    /// The credential is missing or wrong.
    Unauthorized,
    /// The credential is valid but does not permit the request.
    Forbidden,
    /// The `Host` header names a host that the server does not accept.
    ForbiddenHost,
    /// The request comes from a page of another origin.
    ForbiddenOrigin,
    /// The resource does not exist.
    NotFound,
    /// The path exists but does not support the method.
    MethodNotAllowed,
    /// The endpoint produces none of the media types in `Accept`.
    NotAcceptable,
    /// The endpoint does not accept the media type or encoding of the body.
    UnsupportedMediaType,
    /// The body is larger than the limit.
    PayloadTooLarge,
    /// The body did not arrive in time.
    RequestTimeout,
    /// Another run is active.
    RunActive,
    /// A deleted run still holds workers.
    RunDeleting,
    /// A parameter of the run has another value.
    ParamConflict,
    /// The run has ended, and stays as it is.
    RunEnded,
    /// This server launched the run, so it decides how it ends and reads its output itself.
    RunLaunched,
    /// The request is valid but exceeds what the cluster can provide.
    InsufficientCapacity,
    /// The `Idempotency-Key` was used for a different request before.
    IdempotencyKeyReused,
    /// Too many wrong tokens. Retry later.
    TooManyAttempts,
    /// The server has too much queued work. Retry later.
    Overloaded,
    /// The server has as many streams of events as it serves.
    TooManyStreams,
    /// A dependency of the request is temporarily unavailable.
    Unavailable,
    /// The server failed.
    Internal,
    /// A code that this version does not know.
    #[cfg_attr(test, ts(skip), schemars(skip))]
    #[serde(other)]
    Unknown,
}

impl ErrorCode {
    /// Returns the wire form.
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
            Self::ParamConflict => "param_conflict",
            Self::RunEnded => "run_ended",
            Self::RunLaunched => "run_launched",
            Self::InsufficientCapacity => "insufficient_capacity",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::TooManyAttempts => "too_many_attempts",
            Self::Overloaded => "overloaded",
            Self::TooManyStreams => "too_many_streams",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
            Self::Unknown => "unknown",
        }
    }

    /// Returns whether the same request may succeed when it is repeated later.
    #[must_use]
    pub const fn retryable(self) -> bool {
        matches!(
            self,
            Self::RequestTimeout
                | Self::Overloaded
                | Self::TooManyStreams
                | Self::Unavailable
                | Self::Internal
        )
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error with a code for programs, a message for the caller and an optional text for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    code: ErrorCode,
    detail: String,
    internal: Option<String>,
    retry_after: Option<Duration>,
}

impl Error {
    /// Creates an error. The caller of the API sees `detail`.
    ///
    /// A message that repeats input shortens it with [`quote`](crate::quote::quote). Texts of more than
    /// [`MAX_MESSAGE_CHARS`](crate::quote::MAX_MESSAGE_CHARS) characters are shortened here.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self { code, detail: bounded(detail.into()), internal: None, retry_after: None }
    }

    /// Creates an [`ErrorCode::InvalidField`] with the message `{field}: {problem}`.
    pub fn invalid(field: &str, problem: impl fmt::Display) -> Self {
        Self::new(ErrorCode::InvalidField, format!("{field}: {problem}"))
    }

    /// Creates an [`ErrorCode::NotFound`] with the message `{what} does not exist`.
    pub fn not_found(what: impl fmt::Display) -> Self {
        Self::new(ErrorCode::NotFound, format!("{what} does not exist"))
    }

    /// The error for every write to a server that only reads.
    #[must_use]
    pub fn read_only() -> Self {
        Self::new(
            ErrorCode::Forbidden,
            "this server is read-only; nothing was stored; use the server that writes",
        )
    }

    /// Creates an [`ErrorCode::Internal`]. Only the log shows `internal`.
    pub fn internal(internal: impl fmt::Display) -> Self {
        Self {
            code: ErrorCode::Internal,
            detail: "internal server error; see this request id in the server log".to_owned(),
            internal: Some(bounded(internal.to_string())),
            retry_after: None,
        }
    }

    /// Adds a text for the log.
    #[must_use]
    pub fn with_internal(mut self, internal: impl fmt::Display) -> Self {
        self.internal = Some(bounded(internal.to_string()));
        self
    }

    /// Adds the delay after which the caller should retry.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// Returns the code.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    /// Returns the message for the caller.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Returns the text for the log, if it has more than [`Error::detail`].
    #[must_use]
    pub fn internal_text(&self) -> Option<&str> {
        self.internal.as_deref()
    }

    /// Returns the delay after which the caller should retry, if known.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Returns whether the same request may succeed when it is repeated later.
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

fn bounded(text: String) -> String {
    if text.len() <= MAX_MESSAGE_CHARS { text } else { shorten_message(&text).into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_of_an_error_are_bounded() {
        let long = "é".repeat(9 << 20);
        let error = Error::new(ErrorCode::Malformed, long.as_str()).with_internal(&long);
        for text in
            [error.detail(), error.internal_text().unwrap(), Error::internal(&long).internal_text().unwrap()]
        {
            assert!(text.ends_with("é… (9437184 characters)") && text.len() < 5_000, "{}", text.len());
        }
    }
}
