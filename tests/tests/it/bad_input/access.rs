//! Who can start a run can run programs: pages of other sites and names that point here must not.

use mlbench_tests::TestServer;

use super::assert_refused;

const RUN: &str = r#"{"name":"x","custom_image_command":"true"}"#;

#[tokio::test]
async fn a_name_that_points_here_is_not_answered() {
    let server = TestServer::start().await;
    for host in ["evil.example", "evil.example:8000", "localhost.evil.example"] {
        let answer = server.request("GET", "/api/pods/").host(host).send().await;
        assert_refused(&answer, 403, "allowed-hosts", host);
    }
    for host in ["localhost", "localhost:9999", "127.0.0.1", "[::1]:80", "10.1.2.3"] {
        assert_eq!(server.request("GET", "/api/pods/").host(host).send().await.status, 200, "{host}");
    }
}

#[tokio::test]
async fn a_name_that_was_allowed_is_answered() {
    let server =
        mlbench_tests::ServerOptions::default().args(&["--allowed-hosts", "bench.example"]).start().await;
    assert_eq!(server.request("GET", "/api/pods/").host("bench.example:80").send().await.status, 200);
    assert_eq!(server.request("GET", "/api/pods/").host("other.example").send().await.status, 403);
}

#[tokio::test]
async fn a_page_of_another_site_can_start_nothing() {
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
async fn every_answer_keeps_other_pages_from_reading_it() {
    let server = TestServer::start().await;
    for path in ["/api/pods/", "/healthz", "/nothing"] {
        let answer = server.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"), "{path}");
    }
}
