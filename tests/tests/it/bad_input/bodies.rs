use mlbench_tests::TestServer;

use super::{assert_refused, check_bodies};

#[tokio::test]
async fn broken_json_is_shown_with_line_and_column() {
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
async fn a_body_over_the_limit_is_refused_also_when_its_length_is_not_said() {
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
async fn a_small_body_whose_length_is_not_said_is_read() {
    let server = TestServer::start().await;
    let pieces = vec![b"{\"name\":\"in pieces\",".to_vec(), b"\"custom_image_command\":\"true\"}".to_vec()];
    let answer = server.request("POST", "/api/runs/").chunked("application/json", pieces).send().await;
    assert_eq!((answer.status, answer.json()["name"].as_str()), (200, Some("in pieces")));
}

#[tokio::test]
async fn a_type_that_is_not_read_here_is_415() {
    let server = TestServer::start().await;
    for content_type in ["text/csv", "application/xml", "image/png"] {
        let answer = server.request("POST", "/api/runs/").body(content_type, "name=x").send().await;
        assert_refused(&answer, 415, "application/json", content_type);
    }
}

#[tokio::test]
async fn broken_multipart_and_forms_are_refused() {
    let server = TestServer::start().await;
    let cut = "--X\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nno end";
    let answer =
        server.request("POST", "/api/runs/").body("multipart/form-data; boundary=X", cut).send().await;
    assert_refused(&answer, 400, "multipart", "a part without an end");
    let answer = server.request("POST", "/api/runs/").body("multipart/form-data", cut).send().await;
    assert_refused(&answer, 400, "boundary", "no boundary");
    let answer = server.request("POST", "/api/runs/").form(&[("nam", "x")]).send().await;
    assert_refused(&answer, 400, "name", "a misspelt field");
}
