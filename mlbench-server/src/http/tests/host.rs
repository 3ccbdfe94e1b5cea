//! Host and Origin checks through the service. `auth/host.rs` tests the rules.

use hyper::{Method, StatusCode};

use super::harness::Api;

#[tokio::test]
async fn a_foreign_host_is_refused_on_every_path() {
    let api = Api::start().await;
    for path in ["/api/pods/", "/healthz", "/nowhere"] {
        let response = api.call(Method::GET, path, &[("host", "rebound.evil.org:8000")], "").await;
        let (status, code, detail) = response.error();
        assert_eq!((status, code), (403, "forbidden_host"), "{path}");
        assert!(detail.contains("--allowed-hosts"), "{detail}");
        assert_eq!(response.header("vary"), "Accept");
        assert_eq!(response.header("x-content-type-options"), "nosniff");
    }
    let allowed = api.call(Method::GET, "/api/pods", &[("host", "example.com")], "").await;
    assert_eq!(allowed.status, StatusCode::OK);
}

#[tokio::test]
async fn a_page_of_another_site_cannot_change_runs() {
    let api = Api::start().await;
    let run = api.stored_run("x").await;
    for header in [
        ("origin", "https://evil.org"),
        ("origin", "null"),
        ("origin", "http://localhost:8001"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let path = format!("/api/runs/{}/", run.id);
        let response = api.call(Method::DELETE, &path, &[header], "").await;
        assert_eq!(response.error().1, "forbidden_origin", "{header:?}");
        let response = api.call(Method::POST, "/api/runs/", &[header], r#"{"name":"y"}"#).await;
        assert_eq!(response.error().1, "forbidden_origin", "{header:?}");
    }
    assert_eq!(api.get("/api/runs/").await.json().as_array().unwrap().len(), 1);
    let own = [("origin", "http://localhost:8000"), ("sec-fetch-site", "same-origin")];
    let response = api.call(Method::DELETE, &format!("/api/runs/{}", run.id), &own, "").await;
    assert_eq!(response.status, StatusCode::NO_CONTENT);
}
