use mlbench_tests::TestServer;

use super::{check_bodies, check_paths};

#[tokio::test]
async fn a_metric_has_one_owner_that_exists() {
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
        (r#"{"name":"x","value":"1","run_id":"1e3"}"#, 404, "1e3"),
        (r#"{"name":"x","value":"1","run_id":-1}"#, 404, "-1"),
        (r#"{"name":"x","value":"1","run_id":9223372036854775808}"#, 404, "9223372036854775808"),
        (r#"{"name":"x","value":"1","pod_name":"nobody"}"#, 404, "nobody"),
        (r#"{"name":"x","value":"1","pod_name":"Not A Pod"}"#, 404, "Not A Pod"),
        (r#"{"name":"x","value":"1","run_id":[1]}"#, 400, "run_id"),
    ];
    check_bodies(&server, "/api/metrics/", &cases).await;
}

#[tokio::test]
async fn a_field_with_a_wrong_value_is_named() {
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
    assert_eq!(points.as_object().unwrap().len(), 0, "nothing of a refused metric remains");
}

#[tokio::test]
async fn a_leap_second_is_the_last_moment_of_its_minute() {
    let server = TestServer::start().await;
    server.run("true").await;
    let metric = r#"{"run_id":1,"name":"x","value":"1","date":"2016-12-31T23:59:60Z"}"#;
    assert_eq!(server.post("/api/metrics/", metric).await.json()["date"], "2016-12-31T23:59:59.999999Z");
}

#[tokio::test]
async fn a_query_that_does_not_exist_or_fit_is_named() {
    let server = TestServer::start().await;
    server.run("true").await;
    for path in ["/api/metrics/", "/api/metrics/1/", "/api/metrics/local-mlbench-worker-0/"] {
        let kind = if path.ends_with("1/") { "metric_type=run&" } else { "" };
        for (query, says) in [
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
            check_paths(&server, &[(&format!("{path}?{kind}{query}"), 400, says)]).await;
        }
    }
    let cases = [
        ("/api/metrics/1/?metric_type=job", 400, "metric_type"),
        ("/api/metrics/nobody/", 404, "nobody"),
        ("/api/metrics/Not%20A%20Pod/", 404, "Not A Pod"),
        ("/api/metrics/7/?metric_type=run", 404, "run 7"),
    ];
    check_paths(&server, &cases).await;
}

#[tokio::test]
async fn a_key_that_cannot_be_one_is_refused() {
    let server = TestServer::start().await;
    server.run("true").await;
    let post = async |key: &str, body: &'static str| {
        let request = server.request("POST", "/api/metrics/").header("idempotency-key", key);
        request.body("application/json", body).send().await
    };
    let metric = r#"{"run_id":1,"name":"x","value":"1"}"#;
    super::assert_refused(&post(&"k".repeat(65), metric).await, 400, "Idempotency-Key", "a long key");
    assert_eq!(post(&"k".repeat(64), metric).await.status, 201);
}
