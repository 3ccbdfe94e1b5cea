//! What is refused, and to whom.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::super::config::{HttpConfig, Surface};
use super::super::harness::{Api, config};
use super::client::{Client, NOW_MS};
use crate::app::access::AuthPolicy;
use crate::token::Token;

#[tokio::test]
async fn what_cannot_be_logged_is_named_and_nothing_is_stored() {
    let api = Api::start().await;
    let client = Client(&api);
    let id = client.run(&json!({})).await;
    let metric = |field: &str, value: Value| {
        let mut metric = json!({"run_id": id, "key": "loss", "value": 1, "timestamp": NOW_MS, "step": 1});
        metric[field] = value;
        metric
    };
    for (body, expected) in [
        (metric("value", json!("many")), "value: must be a number"),
        (metric("timestamp", json!(-1)), "timestamp: -1 is outside the years"),
        (metric("step", json!(0.5)), "step: must be a whole number"),
        (metric("key", json!("")), "key: missing"),
        (
            metric("key", json!("x".repeat(600))),
            "key: the name of a metric must have 1 to 512 bytes, not 600",
        ),
        (metric("timestamp", Value::Null), "timestamp: missing; give the milliseconds since 1970"),
    ] {
        for (operation, body) in
            [("runs/log-metric", body.clone()), ("runs/log-batch", json!({"run_id": id, "metrics": [body]}))]
        {
            let (status, code, message) = client.refusal(operation, &body).await;
            assert_eq!((status, code.as_str()), (400, "INVALID_PARAMETER_VALUE"), "{body}");
            assert!(message.starts_with(expected), "{message}");
        }
    }
    let undated = json!({"run_id": id, "key": "loss", "value": 1});
    for _ in 0..2 {
        let (status, code, message) = client.refusal("runs/log-metric", &undated).await;
        assert_eq!((status, code.as_str()), (400, "INVALID_PARAMETER_VALUE"));
        assert!(message.starts_with("timestamp: missing; "), "{message}");
    }
    let unknown = json!({"run_id": "99", "metrics": [metric("step", json!(1))]});
    assert_eq!(client.refusal("runs/log-batch", &unknown).await.1, "RESOURCE_DOES_NOT_EXIST");
    let malformed = api.post("/api/2.0/mlflow/runs/log-batch", "{").await;
    assert_eq!(
        (malformed.status.as_u16(), malformed.json()["error_code"].as_str()),
        (400, Some("BAD_REQUEST"))
    );
    assert_eq!(api.get("/api/runs/1/series/").await.json(), json!([]));
}

#[tokio::test]
async fn what_the_server_does_not_have_is_refused_in_words() {
    let api = Api::start().await;
    for (method, path, expected) in [
        (Method::PUT, "/api/2.0/mlflow-artifacts/artifacts/0/1/artifacts/a.txt", "artifacts and models: "),
        (Method::POST, "/api/2.0/mlflow/logged-models", "artifacts and models: "),
        (Method::GET, "/api/2.0/mlflow/artifacts/list?run_id=1", "artifacts and models: "),
        (Method::POST, "/api/2.0/mlflow/registered-models/create", "the model registry: "),
        (Method::POST, "/api/3.0/mlflow/traces", "traces: "),
        (Method::POST, "/api/2.0/mlflow/experiments/update", "an experiment keeps its name"),
        (Method::DELETE, "/api/2.0/mlflow/runs/create", "DELETE runs/create: this server does not have"),
        (Method::GET, "/api/2.0/mlflow/", "GET : this server does not have"),
    ] {
        let response = api.call(method, path, &[], "").await;
        assert_eq!(response.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(response.json()["error_code"], "ENDPOINT_NOT_FOUND", "{path}");
        let message = response.json()["message"].as_str().unwrap().to_owned();
        assert!(message.starts_with(expected), "{message}");
    }
    let page = api.get("/api/2.0/other/runs/create").await;
    assert_eq!(page.error().1, "not_found", "other paths are not MLflow's");
}

#[tokio::test]
async fn the_token_of_a_run_logs_to_that_run_only() {
    let operator = Token::random().unwrap();
    let api = Api::with(HttpConfig::new(Surface::Api(AuthPolicy::bearer(operator.hash())))).await;
    let call = async |token: Option<&Token>, operation: &str, body: &Value| {
        let bearer = token.map(|token| format!("Bearer {}", token.reveal())).unwrap_or_default();
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(token.map(|_| ("authorization", bearer.as_str())));
        let path = format!("/api/2.0/mlflow/{operation}");
        let response = api.call(Method::POST, &path, &headers, &body.to_string()).await;
        (response.status.as_u16(), response.json()["error_code"].as_str().map(ToOwned::to_owned))
    };
    let name = |name: &str| Some(name.to_owned());
    assert_eq!(call(None, "runs/create", &json!({})).await, (401, name("UNAUTHENTICATED")));
    for _ in 0..2 {
        assert_eq!(call(Some(&operator), "runs/create", &json!({})).await, (200, None));
    }
    let token = Token::random().unwrap();
    api.app.storage.add_run_token(mlbench_core::RunId::new(1).unwrap(), token.hash()).await.unwrap();
    let metric = |id: &str| json!({"run_id": id, "key": "loss", "value": 1, "timestamp": NOW_MS});
    assert_eq!(call(Some(&token), "runs/log-metric", &metric("1")).await, (200, None));
    assert_eq!(call(Some(&token), "runs/log-metric", &metric("2")).await, (403, name("PERMISSION_DENIED")));
    assert_eq!(call(Some(&token), "runs/create", &json!({})).await, (403, name("PERMISSION_DENIED")));
    let ingest = Api::with(HttpConfig { surface: Surface::Ingest, ..config() }).await;
    assert_eq!(ingest.post("/api/2.0/mlflow/runs/log-metric", "{}").await.error().0, 404);
}
