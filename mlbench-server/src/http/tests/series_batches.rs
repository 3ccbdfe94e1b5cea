//! `POST /api/metrics/batch/` with series in columns.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::super::config::HttpConfig;
use super::batches::{GZIP, JSON, gzip};
use super::fakes::PODS;
use super::harness::{Api, NOW, config};

const PATH: &str = "/api/metrics/batch/";

/// Returns a series of the first pod with this many points.
fn series(count: usize) -> String {
    let values: Vec<f64> = (0_u32..).take(count).map(|i| f64::from(i) / 8.0).collect();
    json!({"pod_name": PODS[0], "name": "loss", "value": values}).to_string()
}

#[tokio::test]
async fn a_series_reads_like_the_same_points_in_rows() {
    let api = Api::start().await;
    let runs = [api.ended_run("rows").await.id, api.ended_run("series").await.id];
    let rows: Vec<String> = [("1.50", 1, 0.5), ("\"NaN\"", 2, 1.0), ("Infinity", 3, 1.5), ("1e-05", 4, 2.0)]
        .map(|(value, step, epoch)| {
            format!(
                r#"{{"run_id":{},"name":"ü/%@ 0","value":{value},"step":{step},"epoch":{epoch},"metadata":"m"}}"#,
                runs[0]
            )
        })
        .into();
    assert_eq!(api.post(PATH, &format!("[{}]", rows.join(","))).await.json()["accepted"], 4);
    let body = format!(
        r#"{{"run_id":{},"name":"ü/%@ 0","step":[1,2,3,4],"epoch":[0.5,1,1.5,2],
            "value":[1.50,"NaN",Infinity,1e-05],"metadata":"m"}}"#,
        runs[1]
    );
    let response = api.post(PATH, &body).await;
    assert_eq!((response.status, response.json()["accepted"].as_u64()), (StatusCode::OK, Some(4)));
    let mut read = Vec::new();
    for run in runs {
        let path =
            format!("/api/metrics/{run}?metric_type=run&fields=date,value,step,epoch,cumulative,metadata");
        read.push(api.get(&path).await.json());
    }
    assert_eq!(read[0], read[1]);
    assert_eq!(
        read[1]["ü/%@ 0"][3],
        json!({"date": NOW, "value": "1e-05", "step": 4, "epoch": 2, "cumulative": false,
        "metadata": "m"})
    );
}

#[tokio::test]
async fn rejected_items_are_named_by_series_and_item() {
    let api = Api::start().await;
    let body = format!(
        r#"[{{"pod_name":"{pod}","name":"a","value":[1,{{}},3],"step":[1,2,1.5]}},
            {{"run_id":99,"name":"a","value":[1,2]}},
            {{"pod_name":"{pod}","name":"b","value":[7]}}]"#,
        pod = PODS[0]
    );
    let expected = json!({"accepted": 2, "rejected_count": 4, "rejected": [
        {"index": 0, "item": 1, "code": "invalid_field", "message": "value: must be a string or a number, not an object"},
        {"index": 0, "item": 2, "code": "invalid_field", "message": "step: must be a whole number, not \"1.5\""},
        {"index": 1, "code": "not_found", "message": "run 99 does not exist"},
    ]});
    assert_eq!(api.post(PATH, &body).await.json(), expected);
    let points = |value: &str| json!([{"date": NOW, "value": value}]);
    let read: Value = api.get(&format!("/api/metrics/{}", PODS[0])).await.json();
    assert_eq!(read, json!({"a": points("1"), "b": points("7")}));
}

#[tokio::test]
async fn a_request_with_an_incomplete_series_stores_nothing() {
    let api = Api::start().await;
    let bad = format!(r#"{{"pod_name":"{}","name":"loss","step":[1,2,3],"value":[1,2,3,4]}}"#, PODS[0]);
    let (status, code, detail) = api.post(PATH, &bad).await.error();
    assert_eq!((status, code), (400, "invalid_field"));
    assert!(detail.starts_with("step: has 3 items, value has 4; "), "{detail}");
    let row = format!(r#"{{"pod_name":"{}","name":"loss","value":1}}"#, PODS[0]);
    for body in [format!("[{},{row}]", series(2)), format!("[{row},{}]", series(2))] {
        let (status, code, detail) = api.post(PATH, &body).await.error();
        assert_eq!((status, code), (400, "malformed"));
        assert!(detail.contains("send points and series in separate requests"), "{detail}");
    }
    assert_eq!(api.count().await, 0);
}

#[tokio::test]
async fn series_have_the_limits_of_an_array() {
    let api = Api::start().await;
    let (status, code, _) = api.post(PATH, &series(100_001)).await.error();
    assert_eq!((status, code), (413, "payload_too_large"));
    assert_eq!(api.post(PATH, &series(100_000)).await.json()["accepted"], 100_000);
    let body = series(100);
    let bytes = |limit: usize| HttpConfig { batch_limit: limit, ..config() };
    for (limit, status) in [(body.len(), 200), (body.len() - 1, 413)] {
        let api = Api::with(bytes(limit)).await;
        assert_eq!(api.post_bytes(&[JSON], body.clone()).await.status.as_u16(), status);
        assert_eq!(api.post_bytes(&[JSON, GZIP], gzip(body.as_bytes())).await.status.as_u16(), status);
    }
}

#[tokio::test]
async fn a_repeated_series_stores_nothing_and_gets_the_same_response() {
    let api = Api::start().await;
    let keyed = [JSON, ("idempotency-key", "a-key")];
    let first = api.post_bytes(&keyed, series(5)).await;
    let second = api.post_bytes(&keyed, series(5)).await;
    assert_eq!((first.json()["accepted"].as_u64(), first.header("idempotency-replayed")), (Some(5), ""));
    assert_eq!((second.json(), second.header("idempotency-replayed")), (first.json(), "true"));
    let (status, code, _) = api.post_bytes(&keyed, series(6)).await.error();
    assert_eq!((status, code), (422, "idempotency_key_reused"));
    assert_eq!(api.count().await, 5);
}
