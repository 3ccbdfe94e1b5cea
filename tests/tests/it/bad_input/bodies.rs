use mlbench_tests::TestServer;

use super::check::{assert_refused, check_bodies};

#[tokio::test]
async fn malformed_json_is_located_by_line_and_column() {
    let server = TestServer::start().await;
    for path in ["/api/runs/", "/api/metrics/"] {
        let cases = [
            ("{\n  \"name\": oops\n}", 400, "line 2, column"),
            ("{\"name\": \"x\"", 400, "line 1, column"),
            ("[1, 2]", 400, "JSON object"),
            ("\"name\"", 400, "JSON object"),
            ("", 400, "empty"),
            ("{\"name\": \"x\"} trailing", 400, "line 1, column"),
        ];
        check_bodies(&server, path, &cases).await;
    }
    assert!(server.client().runs().list().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_even_when_chunked() {
    let server = TestServer::start().await;
    let large = format!(r#"{{"name":"{}"}}"#, "x".repeat(1 << 20));
    for path in ["/api/runs/", "/api/metrics/"] {
        assert_refused(&server.post(path, &large).await, 413, "1048576 bytes", path);
        let pieces = large.as_bytes().chunks(50_000).map(<[u8]>::to_vec).collect();
        let chunked = server.request("POST", path).chunked("application/json", pieces).send().await;
        assert_refused(&chunked, 413, "1048576 bytes", path);
    }
}

#[tokio::test]
async fn a_small_chunked_body_is_accepted() {
    let server = TestServer::start().await;
    let pieces = vec![b"{\"name\":\"in pieces\",".to_vec(), b"\"custom_image_command\":\"true\"}".to_vec()];
    let response = server.request("POST", "/api/runs/").chunked("application/json", pieces).send().await;
    assert_eq!((response.status, response.json()["name"].as_str()), (200, Some("in pieces")));
}

#[tokio::test]
async fn an_unsupported_content_type_is_415() {
    let server = TestServer::start().await;
    for content_type in ["text/csv", "application/xml", "image/png"] {
        let response = server.request("POST", "/api/runs/").body(content_type, "name=x").send().await;
        assert_refused(&response, 415, "application/json", content_type);
    }
}

#[tokio::test]
async fn malformed_multipart_and_form_bodies_are_refused() {
    let server = TestServer::start().await;
    let cut = "--X\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nno end";
    let response =
        server.request("POST", "/api/runs/").body("multipart/form-data; boundary=X", cut).send().await;
    assert_refused(&response, 400, "multipart", "an unterminated part");
    let response = server.request("POST", "/api/runs/").body("multipart/form-data", cut).send().await;
    assert_refused(&response, 400, "boundary", "no boundary");
    let response = server.request("POST", "/api/runs/").form(&[("nam", "x")]).send().await;
    assert_refused(&response, 400, "name", "a misspelt field");
}
