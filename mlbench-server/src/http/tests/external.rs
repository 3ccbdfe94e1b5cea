//! Runs that execute elsewhere.

use hyper::{Method, StatusCode};
use mlbench_core::api::LogPage;
use serde_json::{Value, json};

use super::super::config::{HttpConfig, Surface};
use super::harness::{Api, ApiResponse, NOW};
use crate::app::access::AuthPolicy;
use crate::token::Token;

async fn patch(api: &Api, path: &str, body: &Value) -> ApiResponse {
    api.call(Method::PATCH, path, &[("content-type", "application/json")], &body.to_string()).await
}

#[tokio::test]
async fn an_external_run_starts_beside_another_and_ends_as_it_says() {
    let api = Api::start().await;
    api.post("/api/runs/", r#"{"name":"launched"}"#).await;
    // More workers than this cluster has.
    let body =
        json!({"name": "slurm", "external": true, "num_workers": 64, "custom_image_command": "srun train"});
    let run = api.post("/api/runs/", &body.to_string()).await.json();
    assert_eq!((&run["id"], &run["state"], &run["external"]), (&json!(2), &json!("STARTED"), &json!(true)));
    assert_eq!((&run["num_workers"], &run["job_metadata"]["command"]), (&json!(64), &json!("srun train")));
    assert_eq!(run["job_metadata"]["pods"], json!([]));
    api.post_metric(r#""run_id":2"#, "loss", NOW, "1").await;
    let end =
        json!({"state": "failed", "reason": "node 7 is down", "exit_codes": {"0": 1}, "tags": {"try": "1"}});
    let ended = patch(&api, "/api/runs/2/", &end).await.json();
    assert_eq!((&ended["state"], &ended["finished_at"]), (&json!("FAILED"), &json!(NOW)));
    let job = &ended["job_metadata"];
    assert_eq!((&job["reason"], &job["exit_codes"]), (&json!("node 7 is down"), &json!({"0": 1})));
    assert_eq!(ended["tags"], json!({"try": "1"}));
    assert_eq!(patch(&api, "/api/runs/2/", &end).await.json(), ended, "it may end so again");
    let (status, code, detail) = patch(&api, "/api/runs/2/", &json!({"state": "FINISHED"})).await.error();
    assert_eq!((status, code), (409, "run_ended"));
    assert!(
        detail.starts_with("state: run 2 has ended (FAILED: node 7 is down) and stays as it is"),
        "{detail}"
    );
    let (status, code, detail) = patch(&api, "/api/runs/1/", &json!({"state": "FINISHED"})).await.error();
    assert_eq!((status, code), (409, "run_launched"));
    assert!(detail.starts_with("state: run 1 was launched by this server, "), "{detail}");
    let (status, code, detail) = api.post("/api/runs/1/logs/", r#"{"lines":["a"]}"#).await.error();
    assert_eq!((status, code), (409, "run_launched"));
    assert!(detail.starts_with("lines: run 1 was launched by this server, "), "{detail}");
    assert_eq!(api.get("/api/runs/1/").await.json()["state"], "STARTED");
}

#[tokio::test]
async fn an_external_run_sends_its_output() {
    let api = Api::start().await;
    api.post("/api/runs/", r#"{"name":"x","external":true}"#).await;
    let headers = [("content-type", "application/json"), ("idempotency-key", "k")];
    let body =
        json!({"rank": 1, "lines": ["a\nb", {"text": "c", "stream": "stderr", "rank": 0}]}).to_string();
    for replayed in ["", "true"] {
        let sent = api.call(Method::POST, "/api/runs/1/logs/", &headers, &body).await;
        assert_eq!((sent.status, sent.json()), (StatusCode::OK, json!({"accepted": 3})));
        assert_eq!(sent.header("idempotency-replayed"), replayed);
    }
    let page: LogPage = serde_json::from_value(api.get("/api/runs/1/logs/").await.json()).unwrap();
    let lines: Vec<String> = page.lines.iter().map(mlbench_core::log::LogLine::labelled).collect();
    assert_eq!(lines, ["[1] a", "[1] b", "[0] c"]);
    assert_eq!(api.get("/api/runs/1/").await.json()["job_metadata"]["stderr"], json!(["[0] c"]));
    let stopped = api.post("/api/runs/1/stop/", "").await.json();
    assert_eq!(stopped["state"], "STOPPED");
    let (status, code, _) = api.post("/api/runs/1/logs/", r#"{"lines":["late"]}"#).await.error();
    assert_eq!((status, code), (409, "run_ended"));
    assert_eq!(api.delete("/api/runs/1/").await.status, StatusCode::NO_CONTENT);
    assert_eq!(api.post("/api/runs/1/logs/", r#"{"lines":["late"]}"#).await.error().0, 404);
}

#[tokio::test]
async fn a_key_of_lines_for_one_run_drops_none_of_another() {
    let api = Api::start().await;
    for name in ["x", "y"] {
        api.post("/api/runs/", &json!({"name": name, "external": true}).to_string()).await;
    }
    let send = async |run: u32, key| {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        let path = format!("/api/runs/{run}/logs/");
        api.call(Method::POST, &path, &headers, r#"{"lines":["epoch 1"]}"#).await
    };
    assert_eq!(send(1, "step-1").await.status, StatusCode::OK);
    let (status, code, _) = send(2, "step-1").await.error();
    assert_eq!((status, code), (422, "idempotency_key_reused"));
    let sent = send(2, "step-2").await;
    assert_eq!((sent.status, sent.header("idempotency-replayed")), (StatusCode::OK, ""));
    assert_eq!(send(1, "step-1").await.header("idempotency-replayed"), "true");
    for run in ["1", "2"] {
        let page = api.get(&format!("/api/runs/{run}/logs/")).await.json();
        assert_eq!(page["lines"].as_array().unwrap().len(), 1, "run {run}");
    }
}

#[tokio::test]
async fn a_repeated_creation_is_one_run() {
    let api = Api::start().await;
    let headers = [("content-type", "application/json"), ("idempotency-key", "k")];
    let create =
        async || api.call(Method::POST, "/api/runs/", &headers, r#"{"name":"x","external":true}"#).await;
    assert_eq!(
        (create().await.json()["id"].clone(), create().await.json()["id"].clone()),
        (json!(1), json!(1))
    );
}

#[tokio::test]
async fn the_token_of_a_run_ends_and_describes_only_its_own() {
    let operator = Token::random().unwrap();
    let api = Api::with(HttpConfig::new(Surface::Api(AuthPolicy::bearer(operator.hash())))).await;
    let as_operator = format!("Bearer {}", operator.reveal());
    let headers = [("authorization", as_operator.as_str()), ("content-type", "application/json")];
    let create =
        async || api.call(Method::POST, "/api/runs/", &headers, r#"{"name":"x","external":true}"#).await;
    let token = create().await.json()["token"].as_str().unwrap().to_owned();
    create().await;
    let as_run = format!("Bearer {token}");
    let headers = [("authorization", as_run.as_str()), ("content-type", "application/json")];
    for (method, path, body) in
        [(Method::POST, "logs/", r#"{"lines":["a"]}"#), (Method::PATCH, "", r#"{"state":"FINISHED"}"#)]
    {
        let of =
            async |id: u32| api.call(method.clone(), &format!("/api/runs/{id}/{path}"), &headers, body).await;
        assert_eq!(of(2).await.error().0, 403, "{path}");
        assert_eq!(of(1).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn an_external_run_gets_a_token_until_it_ends() {
    let operator = Token::random().unwrap();
    let api = Api::with(HttpConfig::new(Surface::Api(AuthPolicy::bearer(operator.hash())))).await;
    let call = async |token: &str, method, path: &str, body: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
            ("idempotency-key", "k"),
        ];
        api.call(method, path, &headers, body).await
    };
    let create = async || {
        let body = r#"{"name":"notebook","external":true}"#;
        let created = call(operator.reveal(), Method::POST, "/api/runs/", body).await.json();
        assert_eq!(created["id"], 1);
        created["token"].as_str().map(ToOwned::to_owned)
    };
    let post = async |token: &str| {
        let body = json!({"run_id": 1, "name": "loss", "date": NOW, "value": "1"}).to_string();
        call(token, Method::POST, "/api/metrics/", &body).await.status.as_u16()
    };
    let (first, repeated) = (create().await.unwrap(), create().await.unwrap());
    assert_eq!(first.len(), Token::RUN_TOKEN_CHARS);
    assert_ne!(first, repeated, "only hashes are stored");
    for path in ["/api/runs/1/?logs=0", "/api/runs/"] {
        let seen = call(operator.reveal(), Method::GET, path, "").await.json();
        assert!(!seen.to_string().contains("token"), "{seen}");
    }
    assert_eq!((post(&first).await, post(&repeated).await), (201, 201));
    assert_eq!(call(&first, Method::POST, "/api/runs/", r#"{"name":"x"}"#).await.error().0, 403);
    assert_eq!(call(&first, Method::PATCH, "/api/runs/1/", r#"{"state":"FINISHED"}"#).await.status, 200);
    assert_eq!((post(&first).await, post(&repeated).await), (401, 401));
    assert_eq!(create().await, None, "it has ended");
    let launched = call(operator.reveal(), Method::POST, "/api/runs/", r#"{"name":"x"}"#).await;
    assert_eq!(launched.error().1, "idempotency_key_reused");
    let headers = [("content-type", "application/json")];
    let open = Api::start().await;
    let run = open.call(Method::POST, "/api/runs/", &headers, r#"{"name":"x","external":true}"#).await.json();
    assert_eq!((run.get("token"), &run["external"]), (None, &json!(true)), "none is required");
}
