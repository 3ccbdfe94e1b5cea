//! Parameters and tags of runs.

use hyper::{Method, StatusCode};
use mlbench_core::RunId;
use serde_json::{Value, json};

use super::super::config::{HttpConfig, Surface};
use super::harness::{Api, ApiResponse};
use crate::app::access::AuthPolicy;
use crate::token::Token;

async fn patch(api: &Api, id: RunId, body: &Value) -> ApiResponse {
    let headers = [("content-type", "application/json")];
    api.call(Method::PATCH, &format!("/api/runs/{id}/"), &headers, &body.to_string()).await
}

#[tokio::test]
async fn a_run_shows_its_parameters_and_tags_wherever_it_is_shown() {
    let api = Api::start().await;
    let body = r#"{"name":"x","params":{"lr":0.1,"deep":true,"opt":"adam"},"tags":{"team":"vision"}}"#;
    let started = api.post("/api/runs/", body).await.json();
    let (params, tags) = (json!({"lr": 0.1, "deep": true, "opt": "adam"}), json!({"team": "vision"}));
    assert_eq!((&started["params"], &started["tags"]), (&params, &tags));
    let listed = api.get("/api/runs/").await.json();
    assert_eq!((&listed[0]["params"], &listed[0]["tags"]), (&params, &tags));
    assert_eq!(api.get("/api/runs/1/").await.json()["params"], params);
}

#[tokio::test]
async fn a_form_has_a_pair_for_each_parameter_and_tag() {
    let api = Api::start().await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let body = "name=x&params=lr%3D0.1&params=opt%3Dadam&tags=team%3Dvision";
    let started = api.call(Method::POST, "/api/runs/", &form, body).await.json();
    assert_eq!(started["params"], json!({"lr": 0.1, "opt": "adam"}));
    let changed = api.call(Method::PATCH, "/api/runs/1/", &form, "tags=team%3Dnlp").await.json();
    assert_eq!(changed["tags"], json!({"team": "nlp"}));
}

#[tokio::test]
async fn a_run_without_any_is_shown_as_before() {
    let api = Api::start().await;
    let run = api.post("/api/runs/", r#"{"name":"x"}"#).await.json();
    assert!(run.get("params").is_none() && run.get("tags").is_none(), "{run}");
}

#[tokio::test]
async fn a_change_of_a_finished_run_is_listed_at_once() {
    let api = Api::without_launcher().await;
    let id = api.ended_run("x").await.id;
    let tags = async || api.get("/api/runs/").await.json()[0]["tags"].clone();
    assert_eq!(tags().await, Value::Null);
    let changed = patch(&api, id, &json!({"tags": {"best": "yes"}, "params": {"lr": 1}})).await;
    assert_eq!((changed.status, &changed.json()["tags"]), (StatusCode::OK, &json!({"best": "yes"})));
    assert_eq!(tags().await, json!({"best": "yes"}), "not from the cache");
    assert_eq!(patch(&api, id, &json!({"tags": {"best": null}})).await.json().get("tags"), None);
    assert_eq!(tags().await, Value::Null);
    assert_eq!(patch(&api, id, &json!({})).await.json()["params"], json!({"lr": 1}));
}

#[tokio::test]
async fn a_parameter_with_another_value_is_a_conflict() {
    let api = Api::without_launcher().await;
    let id = api.ended_run("x").await.id;
    for _ in 0..2 {
        let added = patch(&api, id, &json!({"params": {"lr": 0.1}})).await;
        assert_eq!(added.status, StatusCode::OK, "{added:?}");
    }
    let (status, code, detail) = patch(&api, id, &json!({"params": {"lr": 0.2}})).await.error();
    assert_eq!((status, code), (409, "param_conflict"));
    assert!(detail.starts_with(r#"params: "lr" is 0.1 and cannot become 0.2; "#), "{detail}");
    for (body, named) in [
        (json!({"params": {"a": null}}), r#"params: "a" must be a string, a number or a boolean, not null"#),
        (json!({"tags": {"a": 1}}), r#"tags: "a" must be a string, not a number"#),
        (json!({"tag": {}}), r#""tag": unknown field; did you mean tags?"#),
    ] {
        let (status, _, detail) = patch(&api, id, &body).await.error();
        assert_eq!((status, detail.as_str()), (400, named));
    }
    let nowhere = patch(&api, RunId::new(99).unwrap(), &json!({})).await;
    assert_eq!(nowhere.error().1, "not_found");
}

#[tokio::test]
async fn the_token_of_a_run_changes_its_own_run() {
    let operator = Token::random().unwrap();
    let api = Api::with(HttpConfig::new(Surface::Api(AuthPolicy::bearer(operator.hash())))).await;
    let other = api.ended_run("other").await.id;
    let (own, token) = (api.stored_run("own").await.id, Token::random().unwrap());
    api.app.storage.add_run_token(own, token.hash()).await.unwrap();
    let bearer = format!("Bearer {}", token.reveal());
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let change = async |id: RunId| {
        api.call(Method::PATCH, &format!("/api/runs/{id}/"), &headers, r#"{"params":{"lr":1}}"#).await
    };
    assert_eq!(change(own).await.json()["params"], json!({"lr": 1}));
    let (status, _, detail) = change(other).await.error();
    assert_eq!((status, detail), (403, format!("token: belongs to run {own} and may only change that run")));
    assert!(api.app.storage.run(other).await.unwrap().params.is_empty());
}
