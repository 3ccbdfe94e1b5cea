use mlbench_tests::TestServer;
use serde_json::{Value, json};

/// Starts a server with run 1 and one point of `loss @ 0` per second, with the values 0 to `count - 1`.
async fn server_with_points(count: usize) -> TestServer {
    let server = TestServer::start().await;
    server.run("true").await;
    for second in 0..count {
        let date = format!("2018-08-03T09:21:{second:02}.000000Z");
        let metric = json!({"run_id": 1, "name": "loss @ 0", "value": second.to_string(), "date": date});
        assert_eq!(server.post("/api/metrics/", metric).await.status, 201);
    }
    server
}

async fn values(server: &TestServer, query: &str) -> Vec<String> {
    let response = server.get(&format!("/api/metrics/1/?metric_type=run&{query}")).await;
    assert_eq!(response.status, 200, "{}", response.text());
    let points = response.json();
    let points = points["loss @ 0"].as_array().cloned().unwrap_or_default();
    points.iter().map(|point| point["value"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn since_includes_the_point_of_that_date_in_any_notation() {
    let server = server_with_points(5).await;
    for since in [
        "2018-08-03T09:21:03Z",
        "2018-08-03T09:21:03.000000Z",
        "2018-08-03%2009:21:03",
        "2018-08-03T11:21:03%2B02:00",
        "2018-08-03T11:21:03+02:00",
        "1533288063",
    ] {
        assert_eq!(values(&server, &format!("since={since}")).await, ["3", "4"], "{since}");
    }
}

#[tokio::test]
async fn metrics_are_filtered_limited_and_summarized() {
    let server = server_with_points(10).await;
    assert_eq!(values(&server, "last_n=2").await, ["8", "9"]);
    assert_eq!(values(&server, "metric_filter=loss%20@%200&last_n=1").await, ["9"]);
    assert!(values(&server, "metric_filter=loss").await.is_empty(), "a filter matches whole names");
    let summarized = values(&server, "summarize=5").await;
    let numbers: Vec<f64> = summarized.iter().map(|value| value.parse().unwrap()).collect();
    assert_eq!(numbers, [0.5, 2.5, 4.5, 6.5, 8.5]);
    assert_eq!(values(&server, "summarize=5&last_n=1").await.len(), 1);
}

#[tokio::test]
async fn points_are_ordered_by_date_and_have_two_fields() {
    let server = server_with_points(3).await;
    let early = json!({"run_id": 1, "name": "loss @ 0", "value": "early", "date": "2018-08-03T09:21:00.5Z"});
    server.post("/api/metrics/", early).await;
    assert_eq!(values(&server, "").await, ["0", "early", "1", "2"]);
    let response = server.get("/api/metrics/?metric_type=run").await.json();
    let first: &Value = &response["1"]["loss @ 0"][0];
    assert_eq!(first, &json!({"date": "2018-08-03T09:21:00.000000Z", "value": "0"}));
}

#[tokio::test]
async fn accept_selects_the_content_type() {
    let server = server_with_points(1).await;
    let path = "/api/metrics/1/?metric_type=run";
    for (accept, expected) in [
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("application/json, text/javascript", "text/javascript"),
    ] {
        let response = server.request("GET", path).header("accept", accept).send().await;
        assert_eq!(
            (response.header("content-type"), response.header("vary")),
            (Some(expected), Some("Accept")),
            "{accept}"
        );
    }
    assert_eq!(server.request("GET", path).header("accept", "image/png").send().await.status, 406);
    let overridden =
        server.request("GET", &format!("{path}&format=json")).header("accept", "image/png").send().await;
    assert_eq!(overridden.status, 200);
}

#[tokio::test]
async fn metric_names_survive_unchanged() {
    let server = TestServer::start().await;
    server.run("true").await;
    for name in ["a/b % @ 0", "größe ∑", "x?y&z=1#2", "..", " "] {
        let metric = json!({"run_id": 1, "name": name, "value": "1"});
        assert_eq!(server.post("/api/metrics/", metric).await.status, 201, "{name}");
        let read = server.cli().json(&["metrics", "--run", "1", "--metric", name]).await;
        assert_eq!(read[name].as_array().unwrap().len(), 1, "{name}: {read}");
    }
}
