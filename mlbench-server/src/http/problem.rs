//! Errors as documents, and the status of each.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use hyper::StatusCode;
use mlbench_core::api::Problem;
use mlbench_core::{Error, ErrorCode};

/// The status of every kind of error: the only place where it is decided.
pub(super) const fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::Malformed | ErrorCode::InvalidField | ErrorCode::UnknownField => StatusCode::BAD_REQUEST,
        ErrorCode::Unauthorized => StatusCode::UNAUTHORIZED,
        ErrorCode::Forbidden | ErrorCode::ForbiddenHost | ErrorCode::ForbiddenOrigin => StatusCode::FORBIDDEN,
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        ErrorCode::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
        ErrorCode::RunActive | ErrorCode::RunDeleting => StatusCode::CONFLICT,
        ErrorCode::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorCode::InsufficientCapacity | ErrorCode::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorCode::Overloaded | ErrorCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::Internal | ErrorCode::Unknown => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The document of an error that befell a request for `path`.
pub(super) fn document(error: &Error, status: StatusCode, path: &str, request_id: &str) -> Bytes {
    let problem = Problem {
        kind: "about:blank".to_owned(),
        title: status.canonical_reason().unwrap_or("Error").to_owned(),
        status: status.as_u16(),
        detail: error.detail().to_owned(),
        instance: path.to_owned(),
        code: error.code(),
        request_id: request_id.to_owned(),
        message: error.detail().to_owned(),
    };
    serde_json::to_vec(&problem).unwrap_or_default().into()
}

/// Names for requests: unique in the log of a server's life, and hardly ever the same in two lives.
#[derive(Debug)]
pub(super) struct RequestIds {
    life: u32,
    next: AtomicU64,
}

impl RequestIds {
    pub(super) fn new() -> Self {
        Self { life: uuid::Uuid::new_v4().as_fields().0, next: AtomicU64::new(1) }
    }

    pub(super) fn next(&self) -> String {
        format!("{:08x}-{}", self.life, self.next.fetch_add(1, Ordering::Relaxed))
    }
}
