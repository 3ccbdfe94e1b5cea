//! Every endpoint: both spellings of its path, HEAD, OPTIONS and its status.

use std::time::Duration;

use hyper::{Method, StatusCode};
use mlbench_core::api::Endpoint;
use serde_json::json;

use super::fakes::{PODS, pod};
use super::harness::{Api, NOW, call_example, example};

fn without_slash(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}

#[tokio::test]
async fn every_endpoint_is_routed_with_and_without_a_slash() {
    let api = Api::start().await;
    let run = api.ended_run("Name of the run").await.id;
    for endpoint in Endpoint::ALL {
        let (path, _) = example(endpoint, run);
        let path = path.split('?').next().unwrap();
        for path in [without_slash(path).to_owned(), format!("{}/", without_slash(path))] {
            let options = api.call(Method::OPTIONS, &path, &[], "").await;
            assert_eq!(options.status, StatusCode::NO_CONTENT, "{path}");
            assert!(options.body.is_empty());
            let allow: Vec<&str> = options.header("allow").split(", ").collect();
            let method = endpoint.spec().method.as_str();
            assert!(allow.contains(&method) && allow.contains(&"OPTIONS"), "{path}: {allow:?}");
            assert_eq!(allow.contains(&"GET"), allow.contains(&"HEAD"), "{path}: {allow:?}");
        }
    }
}

#[tokio::test]
async fn every_endpoint_has_the_status_and_label_of_its_spec() {
    let api = Api::start().await;
    for endpoint in Endpoint::ALL {
        let spec = endpoint.spec();
        let run = match endpoint {
            Endpoint::AppendRunLogs => api.external_run().await,
            _ => api.ended_run("Name of the run").await.id,
        };
        let (path, _) = example(endpoint, run);
        let before = successes(&api, endpoint);
        let response = call_example(&api, endpoint, run).await;
        assert_eq!(response.status.as_u16(), spec.success, "{} {path}: {response:?}", spec.id);
        assert_eq!(successes(&api, endpoint), before + 1, "{} is counted", spec.id);
        assert!(response.header("vary").starts_with("Accept"), "{path}");
        assert_eq!(response.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(response.header("cross-origin-resource-policy"), "same-origin", "{path}");
        if endpoint == Endpoint::CreateRun {
            let started = response.json()["id"].to_string();
            api.post(&format!("/api/runs/{started}/stop/"), "").await;
        }
    }
}

/// Returns the number of successful responses that the metrics count for an endpoint.
fn successes(api: &Api, endpoint: Endpoint) -> u64 {
    let stats = api.metrics.endpoints();
    stats.iter().find(|stats| stats.endpoint == Some(endpoint)).unwrap().responses[1]
}

#[tokio::test]
async fn a_pod_named_batch_is_readable_at_the_path_of_batches() {
    let api = Api::start().await;
    api.app.storage.set_pods(&[pod("batch")], api.app.clock.now()).await.unwrap();
    api.post_metric(r#""pod_name":"batch""#, "loss", NOW, "1").await;
    let expected = json!({"loss": [{"date": NOW, "value": "1"}]});
    for path in ["/api/metrics/batch", "/api/metrics/batch/"] {
        assert_eq!(api.get(path).await.json(), expected, "{path}");
        assert_eq!(api.call(Method::HEAD, path, &[], "").await.status, StatusCode::OK);
        assert_eq!(api.post(path, "[]").await.json()["accepted"], 0, "the path still accepts batches");
        let refused = api.delete(path).await;
        assert_eq!(refused.header("allow"), "GET, POST, HEAD, OPTIONS");
    }
}

#[tokio::test]
async fn an_unknown_path_is_not_found() {
    let api = Api::start().await;
    for path in [
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
        let response = api.get(path).await;
        assert_eq!(response.error().1, "not_found", "{path}");
        assert_eq!(response.problem().instance, path);
    }
}

#[tokio::test]
async fn a_wrong_method_is_refused_with_the_allowed_methods() {
    let api = Api::start().await;
    for (method, path, allow) in [
        (Method::POST, "/api/pods/", "GET, HEAD, OPTIONS"),
        (Method::PUT, "/api/metrics", "GET, POST, HEAD, OPTIONS"),
        (Method::POST, "/api/metrics/x/", "GET, HEAD, OPTIONS"),
        (Method::DELETE, "/api/runs/", "GET, POST, HEAD, OPTIONS"),
        (Method::PUT, "/api/runs/1/", "GET, PATCH, DELETE, HEAD, OPTIONS"),
        (Method::GET, "/api/runs/1/stop/", "POST, OPTIONS"),
        (Method::DELETE, "/api/runs/1/logs/", "GET, POST, HEAD, OPTIONS"),
        (Method::POST, "/healthz", "GET, HEAD, OPTIONS"),
    ] {
        let response = api.call(method.clone(), path, &[], "").await;
        assert_eq!(response.error().1, "method_not_allowed", "{method} {path}");
        assert_eq!(response.header("allow"), allow, "{method} {path}");
        assert!(response.problem().detail.contains(allow));
    }
}

#[tokio::test]
async fn only_the_current_pods_of_the_cluster_are_listed() {
    let api = Api::start().await;
    let labels = "{'app': 'mlbench', 'component': 'worker', 'release': 'quiet-mink'}";
    let item = |name| json!({"name": name, "labels": labels, "phase": "Running", "ip": "10.244.2.58"});
    assert_eq!(api.get("/api/pods").await.json(), json!([item(PODS[0]), item(PODS[1])]));
    api.app.storage.set_pods(&[pod(PODS[1])], api.app.clock.now()).await.unwrap();
    assert_eq!(api.get("/api/pods/").await.json(), json!([item(PODS[1])]));
}

#[tokio::test]
async fn readiness_names_the_missing_part() {
    let api = Api::start().await;
    assert_eq!(api.get("/readyz").await.json(), json!({"status": "ready"}));
    api.cluster.set_max_workers(0);
    let response = api.get("/readyz").await;
    assert_eq!(response.error(), (503, "unavailable", "not ready: the cluster has no workers".to_owned()));
    assert_eq!(response.header("retry-after"), "1");
    assert_eq!(api.get("/healthz").await.json(), json!({"status": "alive"}));
}

#[tokio::test]
async fn readiness_names_a_part_that_failed_for_good() {
    let api = Api::start().await;
    api.app.vitals.report("launcher", "panicked: out of luck");
    let (status, _, detail) = api.get("/readyz").await.error();
    assert_eq!((status, detail.as_str()), (503, "not ready: the launcher has failed: panicked: out of luck"));
}

#[tokio::test]
async fn readiness_names_a_part_that_hangs() {
    let api = Api::start().await;
    let step = api.app.vitals.step("launcher");
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(30)).await;
    tokio::time::resume();
    let (status, _, detail) = api.get("/readyz").await.error();
    assert_eq!(status, 503);
    assert!(detail.starts_with("not ready: the launcher hangs: no progress for 3"), "{detail}");
    drop(step);
    assert_eq!(api.get("/readyz").await.status, StatusCode::OK);
}

#[tokio::test]
async fn pods_of_a_silent_cluster_are_unknown_and_not_none() {
    let api = Api::start().await;
    let gauge = async |value| {
        let text = String::from_utf8(api.get("/metrics").await.body.to_vec()).unwrap();
        text.lines().any(|line| line == format!("mlbench_cluster_pods_current {value}"))
    };
    assert!(gauge(1).await);
    api.cluster.fall_silent();
    for path in ["/readyz", "/api/pods/", "/api/metrics/"] {
        let (status, _, detail) = api.get(path).await.error();
        assert_eq!(status, 503, "{path}");
        assert!(detail.contains("the worker pods are not known: the cluster"), "{detail}");
    }
    assert!(gauge(0).await);
    let of_a_pod = format!("/api/metrics/{}/", PODS[0]);
    for path in ["/api/metrics/?metric_type=run", of_a_pod.as_str()] {
        assert_eq!(api.get(path).await.status, StatusCode::OK, "{path}");
    }
}
