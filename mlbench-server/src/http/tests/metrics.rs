//! `/api/metrics/`: stores metrics once and reads them by pod, run, name, date and number.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::fakes::{PODS, pod};
use super::harness::{Api, NOW, later};

#[tokio::test]
async fn the_metric_of_the_specification_is_stored_and_returned() {
    let api = Api::start().await;
    let body = json!({
        "pod_name": "quiet-mink-mlbench-worker-1", "name": "accuracy", "date": "2018-08-03T09:21:44.331823Z",
        "value": "0.7845", "cumulative": false, "metadata": "some additional data",
    });
    let headers = [("host", "example.com"), ("accept", "application/json, text/javascript")];
    let response = api.call(Method::POST, "/api/metrics", &headers, &body.to_string()).await;
    assert_eq!((response.status, response.header("content-type")), (StatusCode::CREATED, "text/javascript"));
    assert_eq!(response.json(), body);
    let read = api.get("/api/metrics/quiet-mink-mlbench-worker-1").await;
    assert_eq!(
        read.json(),
        json!({"accuracy": [{"date": "2018-08-03T09:21:44.331823Z", "value": "0.7845"}]})
    );
    let all = api.get("/api/metrics/").await;
    assert_eq!(all.json(), json!({ PODS[0]: {}, PODS[1]: read.json() }));
}

#[tokio::test]
async fn missing_fields_of_a_metric_have_defaults() {
    let api = Api::start().await;
    let run = api.ended_run("x").await;
    let response =
        api.post("/api/metrics/", &json!({"run_id": run.id, "name": "a", "value": 1}).to_string()).await;
    let expected =
        json!({"run_id": 1, "name": "a", "date": NOW, "value": "1", "cumulative": false, "metadata": ""});
    assert_eq!(response.json(), expected);
}

#[tokio::test]
async fn a_repeated_request_stores_nothing_and_is_marked_as_replayed() {
    let api = Api::start().await;
    let body = format!(r#"{{"pod_name":"{}","name":"loss","value":"1"}}"#, PODS[0]);
    let headers = [("content-type", "application/json"), ("idempotency-key", "run-2,step-7")];
    let first = api.call(Method::POST, "/api/metrics", &headers, &body).await;
    api.app.clock.advance(Duration::from_secs(60));
    let second = api.call(Method::POST, "/api/metrics", &headers, &body).await;
    assert_eq!((first.status, second.status), (StatusCode::CREATED, StatusCode::CREATED));
    assert_eq!(first.body, second.body);
    assert_eq!((first.header("idempotency-replayed"), second.header("idempotency-replayed")), ("", "true"));
    let read = api.get(&format!("/api/metrics/{}", PODS[0])).await.json();
    assert_eq!(read["loss"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn another_body_under_a_used_key_is_refused() {
    let api = Api::start().await;
    let post = async |path: &str, kind: &str, body: &str| {
        api.call(Method::POST, path, &[("content-type", kind), ("idempotency-key", "step-1")], body).await
    };
    let json = format!(r#"{{"pod_name":"{}","name":"loss","value":1}}"#, PODS[0]);
    assert_eq!(post("/api/metrics", "application/json", &json).await.status, StatusCode::CREATED);
    let form = format!("pod_name={}&name=accuracy&value=0.9", PODS[0]);
    for (kind, body) in [
        ("application/json", json.replace("loss", "accuracy")),
        ("application/json", json.replace(":1", ":2")),
        ("application/json", json.replace(PODS[0], PODS[1])),
        ("application/x-www-form-urlencoded", form),
    ] {
        let (status, code, detail) = post("/api/metrics/", kind, &body).await.error();
        assert_eq!((status, code), (422, "idempotency_key_reused"), "{body}");
        assert!(detail.starts_with("Idempotency-Key: "), "{detail}");
    }
    assert_eq!(post("/api/metrics/", "application/json", &json).await.header("idempotency-replayed"), "true");
    let all = api.get("/api/metrics/").await.json();
    assert_eq!(all, json!({PODS[0]: {"loss": [{"date": NOW, "value": "1"}]}, PODS[1]: {}}));
    // Other endpoints have keys of their own.
    let batch = post("/api/metrics/batch/", "application/json", &format!("[{json}]")).await;
    assert_eq!((batch.status, batch.header("idempotency-replayed")), (StatusCode::OK, ""));
}

#[tokio::test]
async fn two_idempotency_keys_are_refused() {
    let api = Api::start().await;
    let metric = format!(r#"{{"pod_name":"{}","name":"loss","value":1}}"#, PODS[0]);
    let headers = [("content-type", "application/json"), ("idempotency-key", "a"), ("idempotency-key", "a")];
    for (path, body) in [
        ("/api/metrics", &*metric),
        ("/api/metrics/batch", &*format!("[{metric}]")),
        ("/api/runs", r#"{"name":"x"}"#),
    ] {
        let (status, code, detail) = api.call(Method::POST, path, &headers, body).await.error();
        assert_eq!((status, code), (400, "invalid_field"), "{path}");
        assert!(detail.starts_with("Idempotency-Key: "), "{detail}");
    }
}

#[tokio::test]
async fn a_query_selects_points_by_date_number_and_name() {
    let api = Api::start().await;
    let owner = format!(r#""pod_name":"{}""#, PODS[0]);
    for i in 0..6 {
        api.post_metric(&owner, "loss @ 0", &later(i), &i.to_string()).await;
        api.post_metric(&owner, "a/b%@ü", &later(i), "text").await;
    }
    let values = async |query: &str| -> Value {
        api.get(&format!("/api/metrics/{}/?{query}", PODS[0])).await.values("loss @ 0")
    };
    assert_eq!(values("").await, json!(["0", "1", "2", "3", "4", "5"]));
    assert_eq!(values(&format!("since={}", later(4))).await, json!(["4", "5"]), "the limit is inclusive");
    assert_eq!(
        values("since=2018-08-03+09:21:33.347960").await,
        json!(["4", "5"]),
        "in the format of Python"
    );
    assert_eq!(
        values("since=2018-08-03T11:21:33.347960+02:00").await,
        json!(["4", "5"]),
        "a plus sign decoded as a space"
    );
    assert_eq!(values("since=1533288094").await, json!(["5"]), "epoch seconds");
    assert_eq!(values("last_n=2").await, json!(["4", "5"]));
    assert_eq!(values("summarize=3").await, json!(["0.5", "2.5", "4.5"]));
    assert_eq!(values("summarize=3&last_n=1").await, json!(["4.5"]));
    assert_eq!(values("metric_filter=loss+%40+0&last_n=1").await, json!(["5"]));
    let filtered =
        api.get(&format!("/api/metrics/{}/?metric_filter=a%2Fb%25%40%C3%BC&last_n=1", PODS[0])).await;
    assert_eq!(filtered.json(), json!({"a/b%@ü": [{"date": later(5), "value": "text"}]}));
    let none = api.get(&format!("/api/metrics/{}/?metric_filter=los", PODS[0])).await;
    assert_eq!(none.json(), json!({}));
}

#[tokio::test]
async fn the_metrics_of_all_runs_are_keyed_by_run_id() {
    let api = Api::start().await;
    let (first, second) = (api.ended_run("x").await.id, api.ended_run("x").await.id);
    api.post_metric(&format!(r#""run_id":{second}"#), "loss", NOW, "NaN").await;
    let response = api.get("/api/metrics/?metric_type=run&last_n=1").await.json();
    let loss = json!({"loss": [{"date": NOW, "value": "NaN"}]});
    assert_eq!(response, json!({first.to_string(): {}, second.to_string(): loss}));
}

#[tokio::test]
async fn without_pods_or_runs_the_response_is_an_empty_object() {
    let api = Api::start().await;
    assert_eq!(api.get("/api/metrics/?metric_type=run").await.json(), json!({}));
    api.app.storage.set_pods(&[], api.app.clock.now()).await.unwrap();
    assert_eq!(api.get("/api/metrics/").await.json(), json!({}));
}

#[tokio::test]
async fn a_pod_outside_the_cluster_keeps_its_metrics() {
    let api = Api::start().await;
    api.post_metric(&format!(r#""pod_name":"{}""#, PODS[0]), "loss", NOW, "1").await;
    api.app.storage.set_pods(&[pod(PODS[1])], api.app.clock.now()).await.unwrap();
    assert_eq!(api.get("/api/metrics/").await.json(), json!({ PODS[1]: {} }));
    let metrics = api.get(&format!("/api/metrics/{}", PODS[0])).await.json();
    assert_eq!(metrics["loss"][0]["value"], "1");
}

#[tokio::test]
async fn a_streamed_response_is_complete() {
    let api = Api::start().await;
    let run = api.run_with_points(3_000).await;
    let response = api.get(&format!("/api/metrics/{run}/?metric_type=run")).await;
    assert_eq!(response.header("content-type"), "application/json");
    for name in ["loss", "time"] {
        let points = response.json()[name].as_array().unwrap().clone();
        assert_eq!(points.len(), 3_000);
        assert!(points.iter().enumerate().all(|(i, point)| point["value"].as_str() == Some(&i.to_string())));
    }
    let all = api.get("/api/metrics/?metric_type=run").await.json();
    assert_eq!(all[run.to_string()], response.json());
}

#[tokio::test]
async fn a_response_that_cannot_be_completed_breaks_off() {
    let api = Api::start().await;
    let run = api.run_with_points(10_000).await;
    let response = api.begin(&format!("/api/metrics/{run}/?metric_type=run")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(api.delete(&format!("/api/runs/{run}")).await.status, StatusCode::NO_CONTENT);
    assert!(response.into_body().collect().await.is_err(), "the response must not look complete");
}
