//! Pages of what is found while it changes, and of what is long.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::super::harness::Api;
use super::client::{Client, NOW_MS};

/// A page and one item more have fewer bytes.
const PAGE_BYTES: usize = 9 << 20;

#[tokio::test]
async fn a_search_goes_on_behind_a_run_that_has_changed_or_is_gone() {
    for order in [json!([]), json!(["metrics.loss DESC"]), json!(["params.model", "metrics.loss DESC"])] {
        let api = Api::start().await;
        let client = Client(&api);
        for number in 1..=8 {
            let id = client.run(&json!({})).await;
            let metrics = json!([{"key": "loss", "value": number, "timestamp": NOW_MS}]);
            let params = json!([{"key": "model", "value": "a"}]);
            client.post("runs/log-batch", &json!({"run_id": id, "metrics": metrics, "params": params})).await;
        }
        let page = async |token: Option<String>| {
            let filter = "status = 'RUNNING'";
            let mut body = json!({"experiment_ids": ["0"], "filter": filter, "max_results": 2});
            (body["order_by"], body["page_token"]) = (order.clone(), token.into());
            let (ids, token) = client.search(&body).await;
            (ids.join(" "), token)
        };
        let end = async |id: &str| {
            client.post("runs/update", &json!({"run_id": id, "status": "FINISHED"})).await;
        };
        let (ids, token) = page(None).await;
        assert_eq!(ids, "8 7", "{order}");
        end("7").await;
        let (ids, token) = page(token).await;
        assert_eq!(ids, "6 5", "{order}: the last run of the page before is no longer selected");
        for id in ["8", "5"] {
            end(id).await;
            assert!(api.delete(&format!("/api/runs/{id}/")).await.status.is_success());
        }
        let (ids, token) = page(token).await;
        assert_eq!(ids, "4 3", "{order}: the last run of the page before is gone");
        client.run(&json!({})).await;
        let (ids, token) = page(token).await;
        assert!(ids.starts_with("2 1"), "{order}: {ids}");
        let rest = if order == json!([]) { None } else { token };
        if rest.is_some() {
            assert_eq!(page(rest).await, ("9".to_owned(), None), "a run without a value comes last");
        }
    }
}

#[tokio::test]
async fn a_page_of_runs_ends_once_it_is_long() {
    let api = Api::start().await;
    let client = Client(&api);
    let texts = |count: usize| -> Vec<Value> {
        (0..count).map(|key| json!({"key": key.to_string(), "value": "x".repeat(8_000)})).collect()
    };
    for _ in 0..80 {
        let id = client.run(&json!({})).await;
        client.post("runs/log-batch", &json!({"run_id": id, "params": texts(8), "tags": texts(8)})).await;
    }
    for order in [json!([]), json!(["start_time ASC"])] {
        let (mut found, mut token, mut pages) = (0, Value::Null, 0);
        while pages == 0 || token.is_string() {
            let body = json!({"experiment_ids": ["0"], "order_by": order, "page_token": token});
            let response = api.post("/api/2.0/mlflow/runs/search", &body.to_string()).await;
            assert_eq!(response.status, StatusCode::OK);
            assert!(response.body.len() < PAGE_BYTES, "{}", response.body.len());
            let page = response.json();
            found += page["runs"].as_array().unwrap().len();
            token = page["next_page_token"].clone();
            pages += 1;
        }
        assert_eq!((found, pages), (80, 2), "{order}");
    }
}

#[tokio::test]
async fn a_page_of_a_history_ends_once_it_is_long() {
    let api = Api::start().await;
    let client = Client(&api);
    let (id, name) = (client.run(&json!({})).await, "k".repeat(512));
    for batch in 0..15 {
        let points: Vec<Value> = (batch * 1_000..(batch + 1) * 1_000)
            .map(|step| json!({"key": name, "value": step, "timestamp": NOW_MS + step / 7, "step": step}))
            .collect();
        client.post("runs/log-batch", &json!({"run_id": id, "metrics": points})).await;
    }
    let (mut steps, mut token, mut pages) = (Vec::new(), String::new(), 0);
    while pages == 0 || !token.is_empty() {
        let path = format!("metrics/get-history?run_id={id}&metric_key={name}&page_token={token}");
        let response = api.get(&format!("/api/2.0/mlflow/{path}&max_results=25000")).await;
        assert!(response.body.len() < PAGE_BYTES, "{}", response.body.len());
        let page = response.json();
        let points = page["metrics"].as_array().unwrap().iter();
        steps.extend(points.map(|point| point["step"].as_i64().unwrap()));
        token = page["next_page_token"].as_str().unwrap_or_default().to_owned();
        pages += 1;
    }
    assert_eq!((steps, pages), ((0..15_000).collect(), 2));
}

#[tokio::test]
async fn experiments_with_large_tags_are_all_found() {
    let api = Api::start().await;
    let client = Client(&api);
    let tags: Vec<Value> =
        (0..7).map(|key| json!({"key": key.to_string(), "value": "x".repeat(8_000)})).collect();
    for number in 0..30 {
        client.post("experiments/create", &json!({"name": format!("e{number}"), "tags": tags})).await;
    }
    let page = async |token: Value| {
        let body = json!({"max_results": 20, "order_by": ["experiment_id ASC"], "page_token": token});
        let page = client.post("experiments/search", &body).await;
        let ids = page["experiments"].as_array().unwrap().iter();
        let ids = ids.map(|each| each["experiment_id"].as_str().unwrap().parse().unwrap()).collect();
        (ids, page["next_page_token"].clone())
    };
    let (mut ids, token): (Vec<u32>, _) = page(Value::Null).await;
    assert_eq!((ids.len(), &token), (20, &json!("20")));
    let (rest, token) = page(token).await;
    assert_eq!((rest.len(), token), (11, Value::Null));
    ids.extend(rest);
    ids.sort_unstable();
    assert_eq!(ids, (0..=30).collect::<Vec<_>>());
}
