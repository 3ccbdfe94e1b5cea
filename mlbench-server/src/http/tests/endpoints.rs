//! Every endpoint: the specification's examples, both spellings of a path, HEAD and OPTIONS.

use std::sync::atomic::Ordering;

use hyper::Method;
use mlbench_core::api::ENDPOINTS;
use serde_json::json;

use super::*;

/// An existing thing for every `{…}`, with the query it takes.
fn example(path: &str) -> String {
    match path {
        "/api/metrics/{pod_name_or_run_id}/" => format!("/api/metrics/{}/", PODS[0]),
        path => path.replace("{id}", "1").replace("{name}", PODS[0]),
    }
}

fn without_slash(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}

#[tokio::test]
async fn every_endpoint_of_the_table_is_routed_with_and_without_a_slash() {
    let api = Api::start().await;
    api.ended_run("Name of the run").await;
    for endpoint in ENDPOINTS {
        let path = example(endpoint.path);
        for path in [without_slash(&path).to_owned(), format!("{}/", without_slash(&path))] {
            let options = api.call(Method::OPTIONS, &path, &[], "").await;
            assert_eq!(options.status, StatusCode::NO_CONTENT, "{path}");
            assert!(options.body.is_empty());
            let allow: Vec<&str> = options.header("allow").split(", ").collect();
            assert!(
                allow.contains(&endpoint.method.as_str()) && allow.contains(&"OPTIONS"),
                "{path}: {allow:?}"
            );
            assert_eq!(allow.contains(&"GET"), allow.contains(&"HEAD"), "{path}: {allow:?}");
        }
    }
}

#[tokio::test]
async fn every_endpoint_answers_with_the_status_of_the_table() {
    let api = Api::start().await;
    for endpoint in ENDPOINTS {
        let id = api.ended_run("Name of the run").await.id;
        let path = example(endpoint.path).replace('1', &id.to_string());
        let path = if endpoint.path.contains("{id}") { path } else { example(endpoint.path) };
        let body = match endpoint.name {
            "metrics.create" => json!({"pod_name": PODS[0], "name": "loss", "value": 1}).to_string(),
            "metrics.create_batch" => json!([{"pod_name": PODS[0], "name": "loss", "value": 1}]).to_string(),
            "runs.create" => json!({"name": "another"}).to_string(),
            _ => String::new(),
        };
        let method: Method = endpoint.method.as_str().parse().unwrap();
        let answer = api.call(method, &path, &[("content-type", "application/json")], &body).await;
        assert_eq!(answer.status.as_u16(), endpoint.status, "{} {path}: {answer:?}", endpoint.name);
        assert!(answer.header("vary").starts_with("Accept"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin", "{path}");
        if endpoint.name == "runs.create" {
            let started = answer.json()["id"].to_string();
            api.post(&format!("/api/runs/{started}/stop/"), "").await;
        }
    }
}

#[tokio::test]
async fn a_path_that_does_not_exist_is_not_found() {
    let api = Api::start().await;
    for path in [
        "/",
        "/api",
        "/api/",
        "/api/pod",
        "/api/pods/x",
        "/api//pods",
        "//api/pods",
        "/api/pods//",
        "/API/pods",
        "/api/runs/1/stop/2",
        "/healthz/x",
        "/api/metrics//",
        "/api/runs/%ff",
        "/api/metrics/%ff",
        "/api/metrics/a%2Fb",
    ] {
        let answer = api.get(path).await;
        assert_eq!(answer.refusal().1, "not_found", "{path}");
        assert_eq!(answer.problem().instance, path);
    }
}

#[tokio::test]
async fn a_wrong_method_names_the_right_ones() {
    let api = Api::start().await;
    for (method, path, allow) in [
        (Method::POST, "/api/pods/", "GET, HEAD, OPTIONS"),
        (Method::PUT, "/api/metrics", "GET, POST, HEAD, OPTIONS"),
        (Method::POST, "/api/metrics/x/", "GET, HEAD, OPTIONS"),
        (Method::DELETE, "/api/runs/", "GET, POST, HEAD, OPTIONS"),
        (Method::PATCH, "/api/runs/1/", "GET, DELETE, HEAD, OPTIONS"),
        (Method::GET, "/api/runs/1/stop/", "POST, OPTIONS"),
        (Method::POST, "/healthz", "GET, HEAD, OPTIONS"),
    ] {
        let answer = api.call(method.clone(), path, &[], "").await;
        assert_eq!(answer.refusal().1, "method_not_allowed", "{method} {path}");
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
        assert!(answer.problem().detail.contains(allow));
    }
}

#[tokio::test]
async fn the_pods_are_those_that_are_in_the_cluster_now() {
    let api = Api::start().await;
    let labels = "{'app': 'mlbench', 'component': 'worker', 'release': 'quiet-mink'}";
    let item = |name| json!({"name": name, "labels": labels, "phase": "Running", "ip": "10.244.2.58"});
    assert_eq!(api.get("/api/pods").await.json(), json!([item(PODS[0]), item(PODS[1])]));
    api.app.storage.set_pods(&[pod(PODS[1])], api.app.clock.now()).await.unwrap();
    assert_eq!(api.get("/api/pods/").await.json(), json!([item(PODS[1])]));
}

#[tokio::test]
async fn readiness_names_what_is_missing() {
    let api = Api::start().await;
    assert_eq!(api.get("/readyz").await.json(), json!({"status": "ready"}));
    api.cluster.number.store(0, Ordering::Relaxed);
    let answer = api.get("/readyz").await;
    assert_eq!(answer.refusal(), (503, "unavailable", "not ready: the cluster has no workers".to_owned()));
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(api.get("/healthz").await.json(), json!({"status": "alive"}));
}
