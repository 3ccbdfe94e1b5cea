//! Refusals in MLflow's words.

use mlbench_core::{Error, ErrorCode};

/// An error with the name that MLflow's clients know it by.
#[derive(Debug)]
pub struct Refusal {
    /// MLflow's name.
    pub name: &'static str,
    /// The error.
    pub error: Error,
}

impl Refusal {
    /// An experiment that is there already. Clients that create one on demand look for this name.
    pub(super) fn exists(detail: String) -> Self {
        Self { name: "RESOURCE_ALREADY_EXISTS", error: Error::new(ErrorCode::InvalidField, detail) }
    }

    /// What this server does not do. Clients do not repeat such a request.
    #[must_use]
    pub fn unsupported(detail: impl Into<String>) -> Self {
        Self { name: "ENDPOINT_NOT_FOUND", error: Error::new(ErrorCode::NotFound, detail) }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { name: name(error.code()), error }
    }
}

const fn name(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::Malformed
        | ErrorCode::NotAcceptable
        | ErrorCode::UnsupportedMediaType
        | ErrorCode::PayloadTooLarge
        | ErrorCode::MethodNotAllowed => "BAD_REQUEST",
        ErrorCode::InvalidField | ErrorCode::UnknownField | ErrorCode::ParamConflict => {
            "INVALID_PARAMETER_VALUE"
        }
        ErrorCode::Unauthorized => "UNAUTHENTICATED",
        ErrorCode::Forbidden | ErrorCode::ForbiddenHost | ErrorCode::ForbiddenOrigin => "PERMISSION_DENIED",
        ErrorCode::NotFound => "RESOURCE_DOES_NOT_EXIST",
        ErrorCode::RunActive
        | ErrorCode::RunDeleting
        | ErrorCode::RunEnded
        | ErrorCode::RunLaunched
        | ErrorCode::InsufficientCapacity
        | ErrorCode::IdempotencyKeyReused => "INVALID_STATE",
        ErrorCode::TooManyAttempts => "REQUEST_LIMIT_EXCEEDED",
        ErrorCode::RequestTimeout
        | ErrorCode::Overloaded
        | ErrorCode::TooManyStreams
        | ErrorCode::Unavailable => "TEMPORARILY_UNAVAILABLE",
        ErrorCode::Internal | ErrorCode::Unknown => "INTERNAL_ERROR",
    }
}
