//! Experiments, runs and what is logged to them.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::harness::Api;
use super::client::{Client, NOW_MS, pairs};

#[tokio::test]
async fn experiments_are_created_found_and_deleted() {
    let api = Api::start().await;
    let client = Client(&api);
    let missing = api.get("/api/2.0/mlflow/experiments/get-by-name?experiment_name=a+b").await;
    assert_eq!(
        (missing.status, &missing.json()["error_code"]),
        (StatusCode::NOT_FOUND, &json!("RESOURCE_DOES_NOT_EXIST"))
    );
    let body = json!({"name": "a b", "tags": [{"key": "team", "value": "vision"}]});
    assert_eq!(client.post("experiments/create", &body).await, json!({"experiment_id": "1"}));
    let named = client.get("experiments/get-by-name?experiment_name=a+b").await;
    assert_eq!(named, client.get("experiments/get?experiment_id=1").await);
    assert_eq!(named["experiment"]["name"], "a b");
    assert_eq!(pairs(&named["experiment"]["tags"]), json!({"team": "vision"}));
    assert_eq!(named["experiment"]["creation_time"], NOW_MS);
    for name in ["a b", "Default"] {
        let (status, code, message) = client.refusal("experiments/create", &json!({"name": name})).await;
        assert_eq!((status, code.as_str()), (400, "RESOURCE_ALREADY_EXISTS"));
        assert!(
            message.starts_with(&format!("name: the experiment \"{name}\" is there already; ")),
            "{message}"
        );
    }
    client
        .post("experiments/set-experiment-tag", &json!({"experiment_id": "1", "key": "x", "value": "y"}))
        .await;
    client.post("experiments/delete", &json!({"experiment_id": "1"})).await;
    assert_eq!(
        client.get("experiments/get?experiment_id=1").await["experiment"]["lifecycle_stage"],
        "deleted"
    );
    let names = async |body: Value| -> Vec<String> {
        let page = client.post("experiments/search", &body).await;
        let all = page["experiments"].as_array().unwrap().iter();
        all.map(|experiment| experiment["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(json!({"max_results": 1_000})).await, ["Default"]);
    assert_eq!(names(json!({"view_type": "ALL", "filter": "tags.x = 'y'"})).await, ["a b"]);
    assert_eq!(names(json!({"view_type": "ALL", "filter": "name ILIKE 'A%'"})).await, ["a b"]);
    let (status, code, _) = client.refusal("runs/create", &json!({"experiment_id": "1"})).await;
    assert_eq!((status, code.as_str()), (400, "INVALID_PARAMETER_VALUE"));
    client.post("experiments/restore", &json!({"experiment_id": "1"})).await;
    assert_eq!(names(json!({"order_by": ["name DESC"]})).await, ["a b", "Default"]);
}

#[tokio::test]
async fn a_run_is_an_external_run_with_all_that_was_logged() {
    let api = Api::start().await;
    let client = Client(&api);
    client.post("experiments/create", &json!({"name": "digits"})).await;
    let began = NOW_MS - 60_000;
    let body = json!({
        "experiment_id": "1", "user_id": "ada", "run_name": "first", "start_time": began,
        "tags": [{"key": "mlflow.source.name", "value": "train.py"}],
    });
    let id = client.run(&body).await;
    assert_eq!(id, "00000000000000000000000000000001");
    let metrics = json!([
        {"key": "loss", "value": 0.5, "timestamp": NOW_MS, "step": 5},
        {"key": "loss", "value": 0.7, "timestamp": NOW_MS + 1, "step": 3},
        {"key": "nan", "value": "NaN", "timestamp": NOW_MS, "step": -2},
        {"key": "inf", "value": "-Infinity", "timestamp": NOW_MS},
    ]);
    let params = json!([{"key": "lr", "value": "0.1"}, {"key": "C", "value": "1.0"}]);
    let tags = json!([{"key": "t", "value": "a"}, {"key": "t", "value": "b"}]);
    let batch = json!({"run_id": id, "metrics": metrics, "params": params, "tags": tags});
    for _ in 0..2 {
        assert_eq!(client.post("runs/log-batch", &batch).await, json!({}), "a repetition stores nothing");
    }
    let one =
        json!({"run_uuid": id, "key": "one", "value": 1.0, "timestamp": NOW_MS.to_string(), "step": "0"});
    client.post("runs/log-metric", &one).await;

    let run = client.get(&format!("runs/get?run_uuid={id}&run_id={id}")).await["run"].clone();
    let info = &run["info"];
    assert_eq!((&info["run_name"], &info["status"]), (&json!("first"), &json!("RUNNING")));
    assert_eq!((&info["experiment_id"], &info["user_id"]), (&json!("1"), &json!("ada")));
    assert_eq!((&info["start_time"], &info["end_time"]), (&json!(began), &Value::Null));
    assert_eq!(info["lifecycle_stage"], "active");
    assert!(info["artifact_uri"].as_str().unwrap().starts_with("mlflow-artifacts:/1/"));
    let data = &run["data"];
    let expected = json!({"loss": 0.5, "nan": "NaN", "inf": "-Infinity", "one": 1.0});
    assert_eq!(pairs(&data["metrics"]), expected, "the highest step is the latest");
    assert_eq!(pairs(&data["params"]), json!({"lr": "0.1", "C": "1.0"}));
    let expected =
        json!({"t": "b", "mlflow.user": "ada", "mlflow.source.name": "train.py", "mlflow.runName": "first"});
    assert_eq!(pairs(&data["tags"]), expected);

    let own = api.get("/api/runs/1/").await.json();
    assert_eq!(
        (&own["name"], &own["external"], &own["state"]),
        (&json!("first"), &json!(true), &json!("STARTED"))
    );
    assert_eq!(own["params"], json!({"lr": 0.1, "C": "1.0"}), "a number that reads back the same is one");
    assert_eq!(own["tags"]["mlflow.experiment"], "digits");
    let points = api.get("/api/metrics/1/?metric_type=run&metric_filter=loss&fields=value,step").await.json();
    assert_eq!(points["loss"], json!([{"value": "0.5", "step": 5}, {"value": "0.7", "step": 3}]));

    client.post("runs/update", &json!({"run_id": id, "status": "FINISHED", "end_time": NOW_MS})).await;
    assert_eq!(api.get("/api/runs/1/").await.json()["state"], "FINISHED");
    let info = client.info(&id).await;
    assert_eq!((&info["status"], &info["end_time"]), (&json!("FINISHED"), &json!(NOW_MS)));
}

#[tokio::test]
async fn a_parameter_keeps_its_value_and_a_tag_does_not() {
    let api = Api::start().await;
    let client = Client(&api);
    let id = client.run(&json!({})).await;
    let param = |value: &str| json!({"run_id": id, "key": "lr", "value": value});
    client.post("runs/log-parameter", &param("0.1")).await;
    client.post("runs/log-parameter", &param("0.1")).await;
    let (status, code, message) = client.refusal("runs/log-parameter", &param("0.2")).await;
    assert_eq!((status, code.as_str()), (409, "INVALID_PARAMETER_VALUE"));
    assert!(message.starts_with("params: \"lr\" is 0.1 and cannot become 0.2"), "{message}");
    for value in ["a", "b"] {
        client.post("runs/set-tag", &json!({"run_id": id, "key": "t", "value": value})).await;
    }
    let tags = async || pairs(&client.get(&format!("runs/get?run_id={id}")).await["run"]["data"]["tags"]);
    assert_eq!(tags().await["t"], "b");
    client.post("runs/set-tag", &json!({"run_id": id, "key": "mlflow.runName", "value": "renamed"})).await;
    assert_eq!(client.info(&id).await["run_name"], "renamed");
    let delete = json!({"run_id": id, "key": "t"});
    client.post("runs/delete-tag", &delete).await;
    assert_eq!(tags().await.get("t"), None);
    assert_eq!(client.refusal("runs/delete-tag", &delete).await.1, "RESOURCE_DOES_NOT_EXIST");
    let reserved = json!({"run_id": id, "key": "mlflow.deleted", "value": "x"});
    assert_eq!(client.refusal("runs/set-tag", &reserved).await.1, "INVALID_PARAMETER_VALUE");
}

#[tokio::test]
async fn an_ended_run_can_be_resumed_and_stays_ended_here() {
    let api = Api::start().await;
    let client = Client(&api);
    let id = client.run(&json!({"run_name": "x"})).await;
    let update = async |status: &str| {
        client.post("runs/update", &json!({"run_id": id, "status": status})).await["run_info"]["status"]
            .clone()
    };
    assert_eq!(update("FAILED").await, "FAILED");
    assert_eq!(update("RUNNING").await, "RUNNING");
    assert_eq!(client.info(&id).await.get("end_time"), None);
    client
        .post("runs/log-metric", &json!({"run_id": id, "key": "late", "value": 1, "timestamp": NOW_MS}))
        .await;
    assert_eq!(update("FINISHED").await, "FINISHED");
    assert_eq!(client.info(&id).await["status"], "FINISHED");
    let own = api.get("/api/runs/1/").await.json();
    assert_eq!((&own["state"], &own["tags"]["mlflow.status"]), (&json!("FAILED"), &json!("FINISHED")));
    assert_eq!(update("FAILED").await, "FAILED");
    assert_eq!(api.get("/api/runs/1/").await.json()["tags"].get("mlflow.status"), None);
    let (_, code, message) = client.refusal("runs/update", &json!({"run_id": id, "status": "DONE"})).await;
    assert_eq!(code, "INVALID_PARAMETER_VALUE");
    assert!(message.starts_with("status: must be RUNNING, "), "{message}");
    for (given, expected) in [("SCHEDULED", "RUNNING"), ("KILLED", "KILLED")] {
        assert_eq!(update(given).await, expected);
    }
    set_status(&api, "banana").await;
    assert_eq!(client.info(&id).await["status"], "FAILED", "no other text is a status");
    api.post("/api/runs/", r#"{"name":"launched"}"#).await;
    let launched = client.post("runs/update", &json!({"run_id": "2", "status": "FINISHED"})).await;
    assert_eq!(launched["run_info"]["status"], "RUNNING", "the server decides how it ends");
}

/// Sets the tag of the status as everybody can.
async fn set_status(api: &Api, status: &str) {
    let body = json!({"tags": {"mlflow.status": status}}).to_string();
    let headers = [("content-type", "application/json")];
    assert_eq!(api.call(Method::PATCH, "/api/runs/1/", &headers, &body).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_status_of_a_running_run_does_not_outlive_it() {
    let api = Api::start().await;
    let client = Client(&api);
    let id = client.run(&json!({})).await;
    for status in ["SCHEDULED", "RUNNING"] {
        let info = client.post("runs/update", &json!({"run_id": id, "status": status})).await;
        assert_eq!(info["run_info"]["status"], "RUNNING");
    }
    // As an older server stored it.
    set_status(&api, "SCHEDULED").await;
    assert_eq!(client.info(&id).await["status"], "RUNNING");
    assert_eq!(api.post("/api/runs/1/stop/", "").await.json()["state"], "STOPPED");
    let info = client.info(&id).await;
    assert_eq!(info["status"], "KILLED");
    assert!(info["end_time"].is_i64(), "{info}");
}

#[tokio::test]
async fn silence_does_not_end_a_run_of_mlflow() {
    let api = Api::start().await;
    Client(&api).run(&json!({})).await;
    assert_eq!(api.app.storage.external_activity().await.unwrap(), [], "no sign of life is expected");
}

#[tokio::test]
async fn what_autologging_uploads_is_dropped_and_the_log_says_so() {
    let api = Api::start().await;
    let client = Client(&api);
    let (plain, id) = (client.run(&json!({})).await, client.run(&json!({})).await);
    client.post("runs/set-tag", &json!({"run_id": id, "key": "estimator_name", "value": "Tree"})).await;
    let put = async |run: &str, file: &str| {
        let path = format!("/api/2.0/mlflow-artifacts/artifacts/0/{run}/{file}");
        api.call(Method::PUT, &path, &[("content-type", "text/html")], &"x".repeat(100_000))
            .await
            .status
            .as_u16()
    };
    assert_eq!(put(&id, "artifacts/estimator.html").await, 200);
    assert_eq!(put(&id, "artifacts/notes.html").await, 404, "autologging does not write it");
    assert_eq!(put(&plain, "artifacts/estimator.html").await, 404);
    let model = json!({"source_run_id": id, "name": "model", "experiment_id": "0"});
    let info = client.post("logged-models", &model).await["model"]["info"].clone();
    let (model, address) = (info["model_id"].as_str().unwrap(), info["artifact_uri"].as_str().unwrap());
    let folder = address.strip_prefix(&format!("mlflow-artifacts:/0/{id}/")).unwrap();
    assert_eq!(put(&id, &format!("{folder}/model.pkl")).await, 200);
    assert_eq!(client.get(&format!("logged-models/{model}")).await["model"]["info"]["artifact_uri"], address);
    let call = async |method: Method, path: &str, body: Value| {
        let path = format!("/api/2.0/mlflow/logged-models/{path}");
        let headers = [("content-type", "application/json")];
        let response = api.call(method, &path, &headers, &body.to_string()).await;
        (response.status.as_u16(), response.json())
    };
    let ready = json!({"status": "LOGGED_MODEL_READY"});
    let (status, finalized) = call(Method::PATCH, model, ready.clone()).await;
    assert_eq!((status, &finalized["model"]["info"]["status"]), (200, &ready["status"]));
    assert_eq!(call(Method::POST, &format!("{model}/params"), json!({"params": []})).await.0, 200);
    assert_eq!(call(Method::PATCH, &format!("{model}/tags"), json!({"tags": []})).await.0, 200);
    let (status, refused) = call(Method::PATCH, model, json!({"status": "DONE"})).await;
    assert_eq!((status, &refused["error_code"]), (400, &json!("INVALID_PARAMETER_VALUE")));
    for (method, path, error) in [
        (Method::DELETE, model.to_owned(), "ENDPOINT_NOT_FOUND"),
        (Method::GET, format!("{model}/params"), "ENDPOINT_NOT_FOUND"),
        (Method::GET, format!("{model}/artifacts/directories"), "ENDPOINT_NOT_FOUND"),
        (Method::POST, "search".to_owned(), "ENDPOINT_NOT_FOUND"),
        (Method::GET, format!("m-{plain}"), "ENDPOINT_NOT_FOUND"),
        (Method::GET, "m-99".to_owned(), "RESOURCE_DOES_NOT_EXIST"),
        (Method::GET, "other".to_owned(), "RESOURCE_DOES_NOT_EXIST"),
    ] {
        let (status, refused) = call(method, &path, json!({})).await;
        assert_eq!((status, &refused["error_code"]), (404, &json!(error)), "{path}");
    }
    let elsewhere = format!("/api/2.0/mlflow-artifacts/artifacts/7/{id}/artifacts/estimator.html");
    assert_eq!(api.call(Method::PUT, &elsewhere, &[], "x").await.status.as_u16(), 404);
    client.post("runs/outputs", &json!({"run_id": id, "models": [{"model_id": model}]})).await;
    let dataset = json!({"dataset": {"name": "iris=1", "digest": "2bf3ace3"}});
    client.post("runs/log-inputs", &json!({"run_id": id, "datasets": [dataset]})).await;
    let tags = pairs(&client.get(&format!("runs/get?run_id={id}")).await["run"]["data"]["tags"]);
    assert_eq!(tags["mlflow.dataset.iris1"], "2bf3ace3");
    let lines = api.get("/api/runs/2/logs/").await.json();
    let texts: Vec<&str> =
        lines["lines"].as_array().unwrap().iter().map(|line| line["text"].as_str().unwrap()).collect();
    let expected = [
        "file \"estimator.html\" of autologging is dropped: this server stores no files",
        "model \"model\" of autologging is dropped: this server stores no files",
    ];
    assert_eq!(texts, expected);
    for (operation, body) in [
        ("logged-models", json!({"source_run_id": plain, "name": "model"})),
        ("runs/outputs", json!({"run_id": plain, "models": []})),
    ] {
        assert_eq!(client.refusal(operation, &body).await.1, "ENDPOINT_NOT_FOUND");
    }
}
