//! Requests of other web sites.
//!
//! Starting a run executes programs, so no page of another site and no foreign host name may reach the API.

use mlbench_tests::TestServer;

use super::check::assert_refused;

const RUN: &str = r#"{"name":"x","custom_image_command":"true"}"#;

#[tokio::test]
async fn a_foreign_host_is_refused() {
    let server = TestServer::start().await;
    for host in ["evil.example", "evil.example:8000", "localhost.evil.example"] {
        let response = server.request("GET", "/api/pods/").host(host).send().await;
        assert_refused(&response, 403, "allowed-hosts", host);
    }
    for host in ["localhost", "localhost:9999", "127.0.0.1", "[::1]:80", "10.1.2.3"] {
        assert_eq!(server.request("GET", "/api/pods/").host(host).send().await.status, 200, "{host}");
    }
}

#[tokio::test]
async fn an_allowed_host_is_accepted() {
    let server =
        mlbench_tests::ServerOptions::default().args(&["--allowed-hosts", "bench.example"]).start().await;
    assert_eq!(server.request("GET", "/api/pods/").host("bench.example:80").send().await.status, 200);
    assert_eq!(server.request("GET", "/api/pods/").host("other.example").send().await.status, 403);
}

#[tokio::test]
async fn a_page_of_another_site_cannot_start_a_run() {
    let server = TestServer::start().await;
    let own = format!("http://{}", server.address());
    let post = |name: &str, value: &str| {
        server.request("POST", "/api/runs/").header(name, value).body("application/json", RUN).send()
    };
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1", "https://localhost"] {
        assert_refused(&post("origin", origin).await, 403, "Origin", origin);
    }
    for site in ["cross-site", "same-site"] {
        assert_eq!(post("sec-fetch-site", site).await.status, 403, "{site}");
    }
    assert!(server.client().runs().list().await.unwrap().is_empty());
    assert_eq!(post("origin", &own).await.status, 200);
}

#[tokio::test]
async fn other_sites_cannot_read_any_response() {
    let server = TestServer::start().await;
    for path in ["/api/pods/", "/healthz", "/nothing"] {
        let response = server.get(path).await;
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(response.header("cross-origin-resource-policy"), Some("same-origin"), "{path}");
    }
}
