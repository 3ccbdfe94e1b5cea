//! Problem documents: panics, and the status of every error code.

use hyper::StatusCode;
use mlbench_core::{Error, ErrorCode as Code};

use super::super::problem::status;
use super::harness::Api;

#[tokio::test]
async fn a_panic_is_a_problem_without_internal_details() {
    let api = Api::start().await;
    api.cluster.panic_from_now_on();
    let response = api.get("/readyz").await;
    let (status, code, detail) = response.error();
    assert_eq!((status, code), (500, "internal"));
    assert!(!detail.contains("10.0.0.1"), "{detail}");
    assert_eq!(api.get("/healthz").await.status, StatusCode::OK);
}

#[test]
fn every_error_code_has_the_documented_status() {
    for (code, expected) in [
        (Code::Malformed, 400),
        (Code::InvalidField, 400),
        (Code::UnknownField, 400),
        (Code::Unauthorized, 401),
        (Code::Forbidden, 403),
        (Code::ForbiddenHost, 403),
        (Code::ForbiddenOrigin, 403),
        (Code::NotFound, 404),
        (Code::MethodNotAllowed, 405),
        (Code::NotAcceptable, 406),
        (Code::RequestTimeout, 408),
        (Code::RunActive, 409),
        (Code::RunDeleting, 409),
        (Code::PayloadTooLarge, 413),
        (Code::UnsupportedMediaType, 415),
        (Code::InsufficientCapacity, 422),
        (Code::IdempotencyKeyReused, 422),
        (Code::Internal, 500),
        (Code::Unknown, 500),
        (Code::Overloaded, 503),
        (Code::Unavailable, 503),
    ] {
        assert_eq!(status(code).as_u16(), expected, "{code}");
        assert_eq!(Error::new(code, "").code(), code);
    }
}
