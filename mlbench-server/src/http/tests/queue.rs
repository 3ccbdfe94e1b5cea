//! Run requests while another run is active, with the policy that queues them.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::{Api, config};
use crate::app::RunPolicy;

async fn create_run(api: &Api, workers: u32) -> Value {
    let body = format!(r#"{{"name":"x","num_workers":{workers},"custom_image_command":"true"}}"#);
    let response = api.post("/api/runs/", &body).await;
    assert_eq!(response.status, StatusCode::OK, "{response:?}");
    response.json()
}

#[tokio::test]
async fn a_queued_run_has_a_position_and_a_reason() {
    let api = Api::with_policy(config(), RunPolicy::Queue).await;
    api.spawn_fake_launcher();
    assert_eq!(create_run(&api, 3).await["queue_position"], Value::Null);
    let second = create_run(&api, 2).await;
    let third = create_run(&api, 1).await;
    assert_eq!((&second["state"], &second["queue_position"]), (&"INITIALIZED".into(), &1.into()));
    assert_eq!(second["waiting_for"], "2 workers; 1 of 4 is free, run 1 holds the rest");
    assert_eq!(
        (&third["queue_position"], &third["waiting_for"]),
        (&2.into(), &"run 2 is ahead in the queue".into())
    );

    let list = api.get("/api/runs/").await.json();
    assert_eq!((&list[2]["queue_position"], list[0].get("queue_position")), (&2.into(), None));
    api.delete("/api/runs/2").await;
    assert_eq!(api.get("/api/runs/3").await.json()["queue_position"], 1);
}

#[tokio::test]
async fn a_repeated_start_is_answered_as_the_first_whatever_the_cluster_has_now() {
    for policy in [RunPolicy::Single, RunPolicy::Queue] {
        let api = Api::with_policy(config(), policy).await;
        api.spawn_fake_launcher();
        let start = async |name: &str| {
            let headers = [("content-type", "application/json"), ("idempotency-key", "start")];
            api.call(Method::POST, "/api/runs/", &headers, &format!(r#"{{"name":"{name}"}}"#)).await
        };
        let first = start("x").await;
        assert_eq!((first.status, first.header("idempotency-replayed")), (StatusCode::OK, ""));
        api.cluster.set_max_workers(0);
        let second = start("x").await;
        assert_eq!((second.status, second.header("idempotency-replayed")), (StatusCode::OK, "true"));
        assert_eq!(second.json(), first.json());
        assert_eq!((start("y").await.error().0, start("y").await.error().1), (422, "idempotency_key_reused"));
        assert_eq!(api.get("/api/runs/").await.json().as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_run_larger_than_the_cluster_is_refused_and_not_queued() {
    let api = Api::with_policy(config(), RunPolicy::Queue).await;
    let response = api.post("/api/runs/", r#"{"name":"x","num_workers":5}"#).await;
    assert_eq!((response.error().0, response.error().1), (422, "insufficient_capacity"));
    assert_eq!(api.get("/api/runs/").await.json(), json!([]));
}
