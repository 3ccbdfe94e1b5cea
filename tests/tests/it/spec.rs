//! The examples of the specification.
//!
//! They differ from the text in three ways: `False` is JSON, a metric has one owner, and the pods exist.

use mlbench_tests::{Response, ServerOptions, TestServer};
use serde_json::{Value, json};

const ACCEPT: &str = "application/json, text/javascript";

async fn get(server: &TestServer, path: &str) -> Response {
    let response = server.request("GET", path).header("accept", ACCEPT).send().await;
    assert_like_example(&response, 200);
    response
}

async fn post(server: &TestServer, path: &str, body: &Value, status: u16) -> Response {
    let body = serde_json::to_string_pretty(body).unwrap();
    // The examples do not show a Content-Type.
    let request = server.request("POST", path).header("accept", ACCEPT).body("application/json", body);
    let response = request.send().await;
    assert_like_example(&response, status);
    response
}

fn assert_like_example(response: &Response, status: u16) {
    assert_eq!(response.status, status, "{}", response.text());
    // A large response may be compressed, and then varies by Accept-Encoding too.
    let vary: Vec<&str> = response.header("vary").unwrap_or_default().split(", ").collect();
    assert!(matches!(*vary, ["Accept"] | ["Accept", "Accept-Encoding"]), "{vary:?}");
    assert_eq!(response.header("content-type"), Some("text/javascript"));
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[tokio::test]
async fn pods_are_listed_as_in_the_example() {
    let server = TestServer::start().await;
    let pods = get(&server, "/api/pods").await.json();
    assert_eq!(keys(&pods[0]), ["ip", "labels", "name", "phase"]);
    assert_eq!(pods[0]["phase"], "Running");
    let labels = pods[0]["labels"].as_str().unwrap();
    assert!(labels.starts_with("{'app': 'mlbench', 'component': 'worker'"), "{labels}");
}

#[tokio::test]
async fn a_metric_is_posted_and_read_as_in_the_example() {
    let server = TestServer::start().await;
    let sent = json!({
        "pod_name": "local-mlbench-worker-1",
        "name": "accuracy",
        "date": "2018-08-03T09:21:44.331823Z",
        "value": "0.7845",
        "cumulative": false,
        "metadata": "some additional data"
    });
    assert_eq!(post(&server, "/api/metrics", &sent, 201).await.json(), sent);
    let both =
        json!({"pod_name": "local-mlbench-worker-1", "run_id": 2, "name": "accuracy", "value": "0.7845"});
    let refused = server.request("POST", "/api/metrics").header("accept", ACCEPT);
    let refused = refused.body("application/json", both.to_string()).send().await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("pod_name"), "{}", refused.text());

    let point = json!([{"date": "2018-08-03T09:21:44.331823Z", "value": "0.7845"}]);
    let of_pod = get(&server, "/api/metrics/local-mlbench-worker-1/").await.json();
    assert_eq!(of_pod["accuracy"], point);
    let of_all = get(&server, "/api/metrics").await.json();
    assert_eq!(of_all["local-mlbench-worker-1"]["accuracy"], point);
}

#[tokio::test]
async fn a_run_is_started_listed_and_shown_as_in_the_example() {
    // The run is still active when the second one is started.
    let server = ServerOptions::default().args(&["--default-command", "sleep 60"]).start().await;
    let started = post(&server, "/api/runs/", &json!({"name": "Name of the run"}), 200).await.json();
    assert_eq!((&started["id"], &started["name"]), (&json!(1), &json!("Name of the run")));
    assert!(["STARTED", "INITIALIZED"].contains(&started["state"].as_str().unwrap()), "{started}");
    assert!(started["job_metadata"].is_object());
    assert_eq!(started["job_id"].as_str().unwrap().len(), 36);
    let created = started["created_at"].as_str().unwrap();
    assert!(created.len() == "2018-08-03T09:21:29.347960Z".len() && created.ends_with('Z'), "{created}");

    let listed = get(&server, "/api/runs/").await.json();
    let shown = get(&server, "/api/runs/1/").await.json();
    for key in ["id", "name", "created_at", "job_id"] {
        assert_eq!((&listed[0][key], &shown[key]), (&started[key], &started[key]), "{key}");
    }
    let again = server.post("/api/runs/", r#"{"name":"Name of the run"}"#).await;
    assert_eq!(again.status, 409);
}
