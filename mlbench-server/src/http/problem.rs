//! Problem documents (RFC 9457), and the status of each error code.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use mlbench_core::api::Problem;
use mlbench_core::quote::shorten;
use mlbench_core::{Error, ErrorCode};
use warp::reply::Response;

/// Header with the id of a request that failed.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Returns the status of an error code. Statuses are decided only here.
pub(super) const fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::Malformed | ErrorCode::InvalidField | ErrorCode::UnknownField => StatusCode::BAD_REQUEST,
        ErrorCode::Unauthorized => StatusCode::UNAUTHORIZED,
        ErrorCode::Forbidden | ErrorCode::ForbiddenHost | ErrorCode::ForbiddenOrigin => StatusCode::FORBIDDEN,
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        ErrorCode::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
        ErrorCode::RunActive
        | ErrorCode::RunDeleting
        | ErrorCode::ParamConflict
        | ErrorCode::RunEnded
        | ErrorCode::RunLaunched => StatusCode::CONFLICT,
        ErrorCode::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorCode::InsufficientCapacity | ErrorCode::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorCode::TooManyAttempts => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::Overloaded | ErrorCode::TooManyStreams | ErrorCode::Unavailable => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        ErrorCode::Internal | ErrorCode::Unknown => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Carries an error to the service, which turns it into a problem document.
pub(super) fn error_response(error: Error) -> Response {
    let mut response = Response::new(Bytes::new().into());
    response.extensions_mut().insert(error);
    response
}

/// Turns `response` into the problem document of an error. Its other headers and extensions stay.
pub(super) fn problem_response(
    mut response: Response,
    error: &Error,
    method: &str,
    path: &str,
    request_id: &str,
) -> Response {
    let status = status(error.code());
    log(error, status, request_id, method, path);
    *response.body_mut() = document(error, status, path, request_id).into();
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(Problem::MEDIA_TYPE));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(after) = error.retry_after() {
        headers.insert(RETRY_AFTER, HeaderValue::from(after.as_secs_f64().ceil().max(1.0) as u64));
    }
    if error.code() == ErrorCode::Unauthorized {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if leaves_a_body_unread(error.code()) {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Returns the problem document of an error in a request for `path`.
pub(super) fn document(error: &Error, status: StatusCode, path: &str, request_id: &str) -> Bytes {
    let problem = Problem {
        kind: "about:blank".to_owned(),
        title: status.canonical_reason().unwrap_or("Error").to_owned(),
        status: status.as_u16(),
        detail: error.detail().to_owned(),
        instance: shorten(path).into_owned(),
        code: error.code(),
        request_id: request_id.to_owned(),
        message: error.detail().to_owned(),
    };
    serde_json::to_vec(&problem).unwrap_or_default().into()
}

fn log(error: &Error, status: StatusCode, request_id: &str, method: &str, path: &str) {
    let (detail, internal) = (error.detail(), error.internal_text());
    let (method, path) = (&*shorten(method), &*shorten(path));
    if status.is_server_error() {
        tracing::error!(request_id, method, path, detail, internal, "request failed");
    } else {
        tracing::debug!(request_id, method, path, detail, internal, "request refused");
    }
}

/// Returns whether the client may still be sending, so that its connection cannot be used again.
const fn leaves_a_body_unread(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::PayloadTooLarge | ErrorCode::RequestTimeout)
}

/// Source of request ids: unique in the log of one server process, and almost always across processes.
#[derive(Debug)]
pub(super) struct RequestIds {
    process: u32,
    next: AtomicU64,
}

impl RequestIds {
    pub(super) fn new() -> Self {
        Self { process: uuid::Uuid::new_v4().as_fields().0, next: AtomicU64::new(1) }
    }

    pub(super) fn next(&self) -> String {
        format!("{:08x}-{}", self.process, self.next.fetch_add(1, Ordering::Relaxed))
    }
}
