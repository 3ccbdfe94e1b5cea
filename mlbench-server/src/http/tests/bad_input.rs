//! Mistakes of clients: each has its status, its code and a helpful message.

use hyper::{Method, StatusCode};
use serde_json::json;

use super::fakes::PODS;
use super::harness::{Api, ApiResponse};

/// The status, the code and a part of the detail.
type Expected = (u16, &'static str, &'static str);

async fn check_get(api: &Api, cases: &[(&str, Expected)]) {
    for (path, expected) in cases {
        check(&api.get(path).await, path, *expected);
    }
}

async fn check_post(api: &Api, path: &str, cases: &[(&str, Expected)]) {
    for (body, expected) in cases {
        check(&api.post(path, body).await, body, *expected);
    }
}

fn check(response: &ApiResponse, request: &str, (status, code, part): Expected) {
    let (found_status, found_code, detail) = response.error();
    assert_eq!((found_status, found_code), (status, code), "{request}: {detail}");
    assert!(detail.contains(part), "{request}: {detail}");
}

#[tokio::test]
async fn invalid_metrics_are_refused_with_the_reason() {
    let api = Api::start().await;
    api.ended_run("x").await;
    check_post(
        &api,
        "/api/metrics",
        &[
            ("{\n  \"name\": oops}", (400, "malformed", "line 2, column 11")),
            ("", (400, "malformed", "body: empty")),
            ("[1]", (400, "malformed", "expected an object")),
            (r#"{"run_id":1,"name":"x","value":"1""#, (400, "malformed", "line 1")),
            (
                r#"{"run_id":1,"pod_name":"quiet-mink-mlbench-worker-0","name":"x","value":"1"}"#,
                (400, "invalid_field", "pod_name, run_id: "),
            ),
            (r#"{"name":"x","value":"1"}"#, (400, "invalid_field", "pod_name, run_id: missing")),
            (r#"{"run_id":7,"name":"x","value":"1"}"#, (404, "not_found", "run 7 does not exist")),
            (r#"{"run_id":"1e3","name":"x","value":"1"}"#, (404, "not_found", "run 1000 does not exist")),
            (r#"{"run_id":"1e-3","name":"x","value":"1"}"#, (404, "not_found", "1e-3")),
            (
                r#"{"run_id":9223372036854775808,"name":"x","value":"1"}"#,
                (404, "not_found", "does not exist"),
            ),
            (r#"{"pod_name":"unknown","name":"x","value":"1"}"#, (404, "not_found", "\"unknown\"")),
            (r#"{"run_id":1,"value":"1"}"#, (400, "invalid_field", "name: missing")),
            (
                r#"{"run_id":1,"name":"","value":"1"}"#,
                (400, "invalid_field", "name: must have 1 to 512 bytes"),
            ),
            (r#"{"run_id":1,"name":7,"value":"1"}"#, (400, "invalid_field", "name: must be a string")),
            (r#"{"run_id":1,"name":"x"}"#, (400, "invalid_field", "value: missing")),
            (
                r#"{"run_id":1,"name":"x","value":{"a":1}}"#,
                (400, "invalid_field", "value: must be a string or a number, not an object"),
            ),
            (r#"{"run_id":1,"name":"x","value":true}"#, (400, "invalid_field", "value: ")),
            (
                r#"{"run_id":1,"name":"x","value":"1","cumulative":"perhaps"}"#,
                (400, "invalid_field", "cumulative: must be true or false"),
            ),
            (r#"{"run_id":1,"name":"x","value":"1","metadata":3}"#, (400, "invalid_field", "metadata: ")),
            (
                r#"{"run_id":1,"name":"x","value":"1","date":"yesterday"}"#,
                (400, "invalid_field", "date: \"yesterday\" is not a date; write it like"),
            ),
            (
                r#"{"run_id":1,"name":"x","value":"1","date":"0000-01-01T00:00:00Z"}"#,
                (400, "invalid_field", "years 1970 to 9999"),
            ),
            (
                r#"{"run_id":1,"name":"x","value":"1","date":"2018-13-01T00:00:00Z"}"#,
                (400, "invalid_field", "does not exist in the calendar"),
            ),
            (r#"{"run_id":1,"nmae":"x","value":"1"}"#, (400, "unknown_field", "did you mean name?")),
        ],
    )
    .await;
    let leap = r#"{"run_id":1,"name":"x","value":"1","date":"2016-12-31T23:59:60Z"}"#;
    assert_eq!(api.post("/api/metrics", leap).await.json()["date"], "2016-12-31T23:59:59.999999Z");
}

#[tokio::test]
async fn invalid_runs_are_refused_with_the_reason() {
    let api = Api::start().await;
    let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(101));
    check_post(
        &api,
        "/api/runs/",
        &[
            ("{}", (400, "invalid_field", "name: missing")),
            (r#"{"name":""}"#, (400, "invalid_field", "name: must have 1 to 100 characters")),
            (&long, (400, "invalid_field", "not 101")),
            (r#"{"name":"a\u0000b"}"#, (400, "invalid_field", "control character")),
            (r#"{"name":"a\nb"}"#, (400, "invalid_field", "control character")),
            (r#"{"name":["x"]}"#, (400, "invalid_field", "name: must be a string, not an array")),
            (r#"{"name":"x","num_workers":0}"#, (400, "invalid_field", "num_workers: ")),
            (r#"{"name":"x","num_workers":-1}"#, (400, "invalid_field", "num_workers: ")),
            (r#"{"name":"x","num_workers":1.5}"#, (400, "invalid_field", "num_workers: ")),
            (r#"{"name":"x","num_workers":5}"#, (422, "insufficient_capacity", "request at most 4")),
            (r#"{"name":"x","num_cpus":0}"#, (400, "invalid_field", "num_cpus: ")),
            (r#"{"name":"x","num_cpus":9}"#, (422, "insufficient_capacity", "request at most 8")),
            (r#"{"name":"x","num_cpus":"two"}"#, (400, "invalid_field", "num_cpus: ")),
            (r#"{"name":"x","backend":"mp"}"#, (400, "invalid_field", "mpi, gloo, nccl or custom_backend")),
            (
                r#"{"name":"x","custom_image_command":"echo 'open"}"#,
                (400, "invalid_field", "custom_image_command: "),
            ),
            (r#"{"name":"x","image_name":"mlbench/nothing"}"#, (400, "invalid_field", "image_name: ")),
            (
                r#"{"name":"x","image_name":"custom_image"}"#,
                (400, "invalid_field", "custom_image_name: missing"),
            ),
            (r#"{"name":"x","gpu_enabled":"perhaps"}"#, (400, "invalid_field", "gpu_enabled: ")),
            (r#"{"name":"x","workers":2}"#, (400, "unknown_field", "did you mean num_workers?")),
        ],
    )
    .await;
    assert_eq!(api.get("/api/runs/").await.json(), json!([]), "a refused run is not stored");
}

#[tokio::test]
async fn unknown_ids_are_not_found_and_cause_no_server_error() {
    let api = Api::start().await;
    for id in ["7", "abc", "1e3", "-1", "0", "9223372036854775808", "1.0", "%20", "+1", "%00"] {
        let run = format!("/api/runs/{id}/");
        for (method, path) in [
            (Method::GET, run.clone()),
            (Method::DELETE, run.clone()),
            (Method::POST, format!("{run}stop/")),
            (Method::GET, format!("{run}logs/")),
            (Method::GET, format!("/api/metrics/{id}/?metric_type=run")),
            (Method::GET, format!("/api/metrics/{id}/?metric_type=run&format=zip")),
            (Method::GET, format!("/api/metrics/{id}/")),
            (Method::GET, format!("/api/metrics/{id}/?format=zip")),
        ] {
            let response = api.call(method.clone(), &path, &[], "").await;
            assert_eq!(response.error().1, "not_found", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn invalid_queries_are_refused_with_the_parameter_name() {
    let api = Api::start().await;
    api.ended_run("x").await;
    check_get(
        &api,
        &[
            ("/api/metrics/?metric_type=node", (400, "invalid_field", "metric_type: must be pod or run")),
            ("/api/metrics/?since=yesterday", (400, "invalid_field", "since: \"yesterday\" is not a date")),
            ("/api/metrics/?since=2018-08-03T25:00:00", (400, "invalid_field", "since: ")),
            (
                "/api/metrics/?last_n=-1",
                (400, "invalid_field", "last_n: must be a whole number of at least 1"),
            ),
            ("/api/metrics/?last_n=0", (400, "invalid_field", "last_n: ")),
            ("/api/metrics/?summarize=1.5", (400, "invalid_field", "summarize: ")),
            (
                "/api/metrics/?format=xml",
                (400, "invalid_field", "format: must be json, ndjson, csv, arrow, parquet or zip"),
            ),
            ("/api/metrics/?metric_filter=", (400, "invalid_field", "metric_filter: ")),
            ("/api/metrics/?sicne=0", (400, "unknown_field", "did you mean since?")),
            ("/api/metrics/?runs=1", (400, "invalid_field", "runs: requires metric_type=run")),
            ("/api/metrics/?metric_type=run&runs=", (400, "invalid_field", "runs: missing")),
            ("/api/metrics/?metric_type=run&runs=1,a", (400, "invalid_field", "runs: \"a\" is not a run id")),
            ("/api/metrics/1/?metric_type=run&runs=1", (400, "unknown_field", "runs")),
            ("/api/metrics/1?metric_type=run&last=3", (400, "unknown_field", "did you mean last_n?")),
            ("/api/metrics/?since=%zz", (400, "malformed", "query: ")),
            ("/api/metrics/?since=%ff", (400, "malformed", "is not UTF-8")),
            ("/api/metrics/?until=soon", (400, "invalid_field", "until: \"soon\" is not a date")),
            (
                "/api/metrics/?fields=date,valeu",
                (400, "invalid_field", "known fields: date, value, cumulative,"),
            ),
            ("/api/metrics/?cursor=-1", (400, "invalid_field", "cursor: must be the mlbench-cursor")),
            ("/api/metrics/?cursor=1&last_n=2", (400, "invalid_field", "cursor: cannot be combined with")),
            ("/api/metrics/?cursor=1&format=zip", (400, "invalid_field", "cursor: cannot be combined with")),
            ("/api/metrics/?downsample=lttb", (400, "invalid_field", "points: missing")),
            ("/api/metrics/?downsample=max&points=1", (400, "invalid_field", "minmax, lttb or mean")),
            ("/api/metrics/?points=10", (400, "invalid_field", "points: requires downsample")),
            ("/api/pods/x/series/?name=x", (400, "unknown_field", "this endpoint takes no fields")),
            ("/api/runs/1/series/?last_n=x", (400, "unknown_field", "this endpoint takes no fields")),
            ("/api/pods/?name=x", (400, "unknown_field", "this endpoint takes no fields")),
            ("/api/runs/?logs=0", (400, "unknown_field", "logs")),
            ("/api/runs/1/?log=0", (400, "unknown_field", "did you mean logs?")),
            ("/api/runs/1/?logs=-1", (400, "invalid_field", "logs: ")),
            ("/api/runs/1/logs/?stream=out", (400, "invalid_field", "stream: must be stdout or stderr")),
            ("/api/runs/1/logs/?rank=x", (400, "invalid_field", "rank: ")),
            ("/api/runs/1/logs/?after=-1", (400, "invalid_field", "after: ")),
            (
                "/api/runs/1/logs/?limit=10001",
                (400, "invalid_field", "limit: must be a whole number from 1 to 10000"),
            ),
            ("/healthz?verbose", (400, "unknown_field", "verbose")),
            ("/readyz?x=%", (400, "malformed", "query: ")),
        ],
    )
    .await;
    let response = api.call(Method::DELETE, "/api/runs/1/?force=1", &[], "").await;
    assert_eq!(response.error().1, "unknown_field");
    assert_eq!(api.post("/api/runs/1/stop/?now=1", "").await.error().1, "unknown_field");
    assert_eq!(api.post("/api/runs/?name=x", r#"{"name":"x"}"#).await.error().1, "unknown_field");
    assert_eq!(api.get("/api/pods/?_=1533288089&csrfmiddlewaretoken=x").await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_invalid_idempotency_key_is_refused() {
    let api = Api::start().await;
    let body = format!(r#"{{"pod_name":"{}","name":"loss","value":1}}"#, PODS[0]);
    for key in ["", &"k".repeat(65), "ü", "step 1", "step-1, step-1"] {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        let response = api.call(Method::POST, "/api/metrics", &headers, &body).await;
        assert_eq!(response.error().1, "invalid_field", "{key:?}");
        assert!(response.problem().detail.starts_with("Idempotency-Key: "), "{key:?}");
    }
}
