use mlbench_tests::TestServer;

use super::check::{assert_refused, check_bodies, check_paths};

#[tokio::test]
async fn a_metric_needs_exactly_one_existing_owner() {
    let server = TestServer::start().await;
    server.run("true").await;
    let cases = [
        (r#"{"name":"x","value":"1"}"#, 400, "pod_name, run_id"),
        (
            r#"{"name":"x","value":"1","run_id":1,"pod_name":"local-mlbench-worker-0"}"#,
            400,
            "pod_name, run_id",
        ),
        (r#"{"name":"x","value":"1","run_id":7}"#, 404, "run 7"),
        (r#"{"name":"x","value":"1","run_id":"1e3"}"#, 404, "run 1000"),
        (r#"{"name":"x","value":"1","run_id":-1}"#, 404, "-1"),
        (r#"{"name":"x","value":"1","run_id":9223372036854775808}"#, 404, "9223372036854775808"),
        (r#"{"name":"x","value":"1","pod_name":"missing"}"#, 404, "missing"),
        (r#"{"name":"x","value":"1","pod_name":"Not A Pod"}"#, 404, "Not A Pod"),
        (r#"{"name":"x","value":"1","run_id":[1]}"#, 400, "run_id"),
    ];
    check_bodies(&server, "/api/metrics/", &cases).await;
}

#[tokio::test]
async fn a_field_with_an_invalid_value_is_named() {
    let server = TestServer::start().await;
    server.run("true").await;
    let long = format!(r#"{{"run_id":1,"value":"1","name":"{}"}}"#, "x".repeat(513));
    let cases = [
        (r#"{"run_id":1,"value":"1"}"#, 400, "name"),
        (r#"{"run_id":1,"value":"1","name":""}"#, 400, "name"),
        (long.as_str(), 400, "512"),
        (r#"{"run_id":1,"name":"x"}"#, 400, "value"),
        (r#"{"run_id":1,"name":"x","value":{"a":1}}"#, 400, "value"),
        (r#"{"run_id":1,"name":"x","value":[1]}"#, 400, "value"),
        (r#"{"run_id":1,"name":"x","value":true}"#, 400, "value"),
        (r#"{"run_id":1,"name":"x","value":null}"#, 400, "value"),
        (r#"{"run_id":1,"name":"x","value":"1","cumulative":"perhaps"}"#, 400, "cumulative"),
        (r#"{"run_id":1,"name":"x","value":"1","metadata":7}"#, 400, "metadata"),
        (r#"{"run_id":1,"name":"x","value":"1","date":"yesterday"}"#, 400, "date"),
        (r#"{"run_id":1,"name":"x","value":"1","date":"0000-01-01T00:00:00Z"}"#, 400, "date"),
        (r#"{"run_id":1,"name":"x","value":"1","date":"2018-13-01T00:00:00Z"}"#, 400, "date"),
        (r#"{"run_id":1,"name":"x","value":"1","date":"2018-02-30T00:00:00Z"}"#, 400, "date"),
        (r#"{"run_id":1,"name":"x","value":"1","date":"1969-12-31T23:59:59Z"}"#, 400, "date"),
        (r#"{"run_id":1,"name":"x","value":"1","dat":"2018-01-01"}"#, 400, "date"),
    ];
    check_bodies(&server, "/api/metrics/", &cases).await;
    let points = server.get("/api/metrics/1?metric_type=run").await.json();
    assert_eq!(points.as_object().unwrap().len(), 0, "refused metrics are not stored");
}

#[tokio::test]
async fn a_leap_second_is_the_last_moment_of_its_minute() {
    let server = TestServer::start().await;
    server.run("true").await;
    let metric = r#"{"run_id":1,"name":"x","value":"1","date":"2016-12-31T23:59:60Z"}"#;
    assert_eq!(server.post("/api/metrics/", metric).await.json()["date"], "2016-12-31T23:59:59.999999Z");
}

#[tokio::test]
async fn an_unknown_or_invalid_parameter_is_named() {
    let server = TestServer::start().await;
    server.run("true").await;
    for path in ["/api/metrics/", "/api/metrics/1/", "/api/metrics/local-mlbench-worker-0/"] {
        let kind = if path.ends_with("1/") { "metric_type=run&" } else { "" };
        for (query, expected) in [
            ("last_n=-1", "last_n"),
            ("last_n=0", "last_n"),
            ("last_n=1.5", "last_n"),
            ("summarize=0", "summarize"),
            ("summarize=few", "summarize"),
            ("since=yesterday", "since"),
            ("since=2018-13-01", "since"),
            ("format=xml", "format"),
            ("sinse=2018-08-03", "since"),
            ("metric_filter=", "metric_filter"),
        ] {
            check_paths(&server, &[(&format!("{path}?{kind}{query}"), 400, expected)]).await;
        }
    }
    let cases = [
        ("/api/metrics/1/?metric_type=job", 400, "metric_type"),
        ("/api/metrics/missing/", 404, "missing"),
        ("/api/metrics/Not%20A%20Pod/", 404, "Not A Pod"),
        ("/api/metrics/7/?metric_type=run", 404, "run 7"),
    ];
    check_paths(&server, &cases).await;
}

#[tokio::test]
async fn an_overlong_idempotency_key_is_refused() {
    let server = TestServer::start().await;
    server.run("true").await;
    let post = async |key: &str, body: &'static str| {
        let request = server.request("POST", "/api/metrics/").header("idempotency-key", key);
        request.body("application/json", body).send().await
    };
    let metric = r#"{"run_id":1,"name":"x","value":"1"}"#;
    assert_refused(&post(&"k".repeat(65), metric).await, 400, "Idempotency-Key", "an overlong key");
    assert_eq!(post(&"k".repeat(64), metric).await.status, 201);
}
