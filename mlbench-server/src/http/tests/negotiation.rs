//! The type of a response. `response/` tests the rules of the negotiation.

use hyper::{Method, StatusCode};
use serde_json::json;

use super::fakes::PODS;
use super::harness::Api;

#[tokio::test]
async fn the_response_has_the_type_that_accept_names() {
    let api = Api::start().await;
    for (accept, expected) in [
        ("application/json, text/javascript", "text/javascript"),
        ("*/*", "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
    ] {
        for path in ["/api/pods", "/api/metrics", "/api/runs/", "/healthz"] {
            let response = api.call(Method::GET, path, &[("accept", accept)], "").await;
            assert_eq!(response.header("content-type"), expected, "{path} {accept}");
            assert_eq!(response.header("vary"), "Accept");
        }
    }
}

#[tokio::test]
async fn an_unacceptable_type_is_refused_before_anything_is_stored() {
    let api = Api::start().await;
    let headers = [("accept", "text/html"), ("content-type", "application/json")];
    for (path, body) in [
        ("/api/runs/", r#"{"name":"x"}"#),
        ("/api/metrics", r#"{"pod_name":"quiet-mink-mlbench-worker-0","name":"loss","value":1}"#),
    ] {
        let response = api.call(Method::POST, path, &headers, body).await;
        assert_eq!(response.error().1, "not_acceptable", "{path}");
        assert!(response.problem().detail.contains("available: text/javascript, application/json"));
    }
    assert_eq!(api.get("/api/runs/").await.json(), json!([]));
    assert_eq!(api.get("/api/metrics/quiet-mink-mlbench-worker-0").await.json(), json!({}));
}

#[tokio::test]
async fn the_format_parameter_overrides_accept() {
    let api = Api::start().await;
    let path = format!("/api/metrics/{}", PODS[0]);
    for (query, accept, expected) in [
        ("?format=json", "text/html", "application/json"),
        ("?format=json", "application/zip", "application/json"),
        ("?format=zip", "application/json", "application/zip"),
        ("", "application/zip", "application/zip"),
    ] {
        let response = api.call(Method::GET, &format!("{path}{query}"), &[("accept", accept)], "").await;
        assert_eq!(response.status, StatusCode::OK, "{query} {accept}");
        assert_eq!(response.header("content-type"), expected, "{query} {accept}");
    }
}

#[tokio::test]
async fn an_error_is_a_problem_document_for_every_accept() {
    let api = Api::start().await;
    let response =
        api.call(Method::GET, "/api/runs/7", &[("accept", "application/zip, text/javascript")], "").await;
    assert_eq!(response.error(), (404, "not_found", "run 7 does not exist".to_owned()));
    assert_eq!(response.header("vary"), "Accept");
}
