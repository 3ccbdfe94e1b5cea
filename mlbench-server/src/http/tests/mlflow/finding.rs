//! Finding runs and reading their points.

use serde_json::{Value, json};

use super::super::harness::{Api, NOW};
use super::client::{Client, NOW_MS};

#[tokio::test]
async fn runs_are_found_by_filters_and_sorted() {
    let api = Api::start().await;
    let client = Client(&api);
    client.post("experiments/create", &json!({"name": "digits"})).await;
    for (loss, model, end) in [(0.3, "a", "FINISHED"), (0.1, "b", "FAILED"), (0.2, "a", "FINISHED")] {
        let id = client.run(&json!({"experiment_id": "1", "run_name": format!("m {model}")})).await;
        let metrics = json!([{"key": "loss", "value": loss, "timestamp": NOW_MS}]);
        let params = json!([{"key": "model", "value": model}]);
        client.post("runs/log-batch", &json!({"run_id": id, "metrics": metrics, "params": params})).await;
        client.post("runs/update", &json!({"run_id": id, "status": end})).await;
    }
    client.run(&json!({"experiment_id": "1"})).await;
    client.run(&json!({})).await;
    let found = async |filter: &str, order: &[&str]| {
        let body = json!({"experiment_ids": ["1"], "filter": filter, "order_by": order});
        client.search(&body).await.0.join(" ")
    };
    assert_eq!(found("", &[]).await, "4 3 2 1", "the newest first");
    assert_eq!(found("metrics.loss > 0.15 and params.model = 'a'", &[]).await, "3 1");
    assert_eq!(found("metrics.loss < 0.25", &["metrics.loss ASC"]).await, "2 3");
    assert_eq!(found("", &["metrics.loss DESC"]).await, "1 3 2 4", "without a value comes last");
    assert_eq!(found("", &["metrics.loss ASC"]).await, "2 3 1 4");
    assert_eq!(found("", &["params.model DESC", "metrics.loss"]).await, "2 3 1 4");
    assert_eq!(found("attributes.status = 'FAILED'", &[]).await, "2");
    assert_eq!(found("status != 'FAILED' and tags.mlflow.runName LIKE 'm %'", &[]).await, "3 1");
    assert_eq!(found("run_id IN ('00000000000000000000000000000002', '3')", &[]).await, "2");
    let of = async |ids: &[&str]| client.search(&json!({"experiment_ids": ids})).await.0.join(" ");
    assert_eq!((of(&["0"]).await, of(&["0", "1"]).await), ("5".to_owned(), "5 4 3 2 1".to_owned()));
    assert_eq!((of(&[]).await, of(&["7"]).await), (String::new(), String::new()));
    for order in [json!([]), json!(["metrics.loss DESC"])] {
        let (mut ids, mut token) = (Vec::new(), String::new());
        for _ in 0..2 {
            let body =
                json!({"experiment_ids": ["1"], "order_by": order, "max_results": 2, "page_token": token});
            let (page, next) = client.search(&body).await;
            assert_eq!(page.len(), 2);
            ids.extend(page);
            token = next.unwrap_or_default();
        }
        assert_eq!(token, "", "the last page has none");
        ids.sort();
        assert_eq!(ids, ["1", "2", "3", "4"]);
    }
    for (field, value, expected) in [
        ("filter", json!("metrics.loss >"), "filter: compare metric \"loss\" with a number"),
        ("filter", json!(format!("metrics.{} > 0", "x".repeat(600))), "filter: the name of a metric must"),
        ("order_by", json!(["loss"]), "order_by: \"loss\" is no attribute"),
        ("order_by", json!([format!("metrics.{}", "x".repeat(600))]), "order_by: the name of a metric must"),
        ("order_by", json!(vec!["status"; 21]), "order_by: has 21 keys; use at most 20"),
        ("max_results", json!(0), "max_results: must be a whole number from 1 to 50000, not 0"),
        ("page_token", json!("x"), "page_token: is none of this search"),
        ("run_view_type", json!("SOME"), "run_view_type: must be ACTIVE_ONLY"),
    ] {
        let mut body = json!({"experiment_ids": ["1"]});
        body[field] = value;
        let (status, code, message) = client.refusal("runs/search", &body).await;
        assert_eq!((status, code.as_str()), (400, "INVALID_PARAMETER_VALUE"), "{field}");
        assert!(message.starts_with(expected), "{message}");
    }
}

#[tokio::test]
async fn a_deleted_run_is_hidden_until_it_is_restored() {
    let api = Api::start().await;
    let client = Client(&api);
    let id = client.run(&json!({})).await;
    client.run(&json!({})).await;
    let shown = async |view: &str| {
        client.search(&json!({"experiment_ids": ["0"], "run_view_type": view})).await.0.join(" ")
    };
    client.post("runs/delete", &json!({"run_id": id})).await;
    assert_eq!(client.info(&id).await["lifecycle_stage"], "deleted");
    assert_eq!(
        (shown("ACTIVE_ONLY").await, shown("DELETED_ONLY").await, shown("ALL").await),
        ("2".into(), "1".into(), "2 1".into())
    );
    assert_eq!(api.get("/api/runs/1/").await.json()["tags"]["mlflow.deleted"], NOW);
    client.post("runs/restore", &json!({"run_id": id})).await;
    assert_eq!(shown("ACTIVE_ONLY").await, "2 1");
    assert_eq!(client.refusal("runs/delete", &json!({"run_id": "9"})).await.1, "RESOURCE_DOES_NOT_EXIST");
}

#[tokio::test]
async fn a_history_has_every_point_once_in_pages_of_any_size() {
    let api = Api::start().await;
    let client = Client(&api);
    let ids = [client.run(&json!({})).await, client.run(&json!({})).await];
    // Several points of the same date lie on both sides of the ends of pages.
    let points: Vec<Value> = (0..250)
        .map(|step| json!({"key": "loss", "value": step, "timestamp": NOW_MS + step / 100, "step": step}))
        .collect();
    for id in &ids {
        client.post("runs/log-batch", &json!({"run_id": id, "metrics": points})).await;
    }
    let steps = |page: &Value| -> Vec<i64> {
        page["metrics"].as_array().unwrap().iter().map(|point| point["step"].as_i64().unwrap()).collect()
    };
    let path = format!("metrics/get-history?run_id={}&metric_key=loss", ids[0]);
    let all = client.get(&path).await;
    assert_eq!(steps(&all), (0..250).collect::<Vec<_>>());
    assert_eq!(all.get("next_page_token"), None);
    let first = json!({"key": "loss", "value": 0.0, "timestamp": NOW_MS, "step": 0, "run_id": ids[0]});
    assert_eq!(all["metrics"][0], first);
    for size in [1, 7, 100, 249, 250] {
        let (mut found, mut token) = (Vec::new(), String::new());
        loop {
            let page = client.get(&format!("{path}&max_results={size}&page_token={token}")).await;
            assert!(steps(&page).len() <= size);
            found.extend(steps(&page));
            let Some(next) = page["next_page_token"].as_str() else { break };
            token = next.to_owned();
        }
        assert_eq!(found, (0..250).collect::<Vec<_>>(), "pages of {size}");
    }
    let bulk = format!("metrics/get-history-bulk?run_id={}&run_id={}&metric_key=loss", ids[0], ids[1]);
    assert_eq!(steps(&client.get(&bulk).await).len(), 500);
    assert_eq!(steps(&client.get(&format!("{bulk}&max_results=300")).await).len(), 300);
    let none = client.get(&format!("metrics/get-history?run_id={}&metric_key=none", ids[0])).await;
    assert_eq!(none, json!({"metrics": []}));
    for operation in ["get-history", "get-history-bulk"] {
        let name = "x".repeat(600);
        let path = format!("/api/2.0/mlflow/metrics/{operation}?run_id={}&metric_key={name}", ids[0]);
        let refused = api.get(&path).await.json();
        let message = refused["message"].as_str().unwrap();
        assert!(
            message.starts_with("metric_key: the name of a metric must have 1 to 512 bytes"),
            "{message}"
        );
    }
    for bad in
        ["run_id=9&metric_key=loss", "run_id=1", "run_id=1&metric_key=loss&page_token=x", "metric_key=loss"]
    {
        let refused = api.get(&format!("/api/2.0/mlflow/metrics/get-history?{bad}")).await;
        assert!(refused.status.is_client_error() && refused.json()["error_code"].is_string(), "{bad}");
    }
}
