//! Every line of the table of endpoints, on the real server.

use mlbench_core::api::{Endpoint, Method};
use mlbench_tests::{Answer, TestServer};
use serde_json::json;

/// Returns the path of an endpoint for this run, or for the first worker.
fn path(endpoint: Endpoint, run: i64) -> String {
    let of_run = endpoint.spec().path.contains("{id}");
    let segment = if of_run { run.to_string() } else { "local-mlbench-worker-0".to_owned() };
    endpoint.path(&[&segment])
}

/// Sends a request that the endpoint accepts, about a run that has ended.
async fn send(server: &TestServer, endpoint: Endpoint, path: &str, run: i64) -> Answer {
    match endpoint {
        Endpoint::CreateMetric => server.post(path, json!({"run_id": run, "name": "x", "value": "1"})).await,
        Endpoint::CreateMetrics => {
            server.post(path, json!([{"run_id": run, "name": "x", "value": "1"}])).await
        }
        Endpoint::CreateRun => server.post(path, json!({"name": "x", "custom_image_command": "true"})).await,
        Endpoint::Live
        | Endpoint::Ready
        | Endpoint::GetMetrics
        | Endpoint::ListMetrics
        | Endpoint::ListRuns
        | Endpoint::GetRun
        | Endpoint::DeleteRun
        | Endpoint::StopRun
        | Endpoint::GetRunLogs
        | Endpoint::ListRunSeries
        | Endpoint::ListPodSeries
        | Endpoint::ListPods
        | Endpoint::Prometheus => server.request(endpoint.spec().method.as_str(), path).send().await,
    }
}

#[tokio::test]
async fn every_endpoint_answers_with_and_without_the_slash() {
    let server = TestServer::start().await;
    for endpoint in Endpoint::ALL {
        for slash in ["/", ""] {
            let run = server.run("true").await.id.get();
            let path = format!("{}{slash}", path(endpoint, run).trim_end_matches('/'));
            let answer = send(&server, endpoint, &path, run).await;
            assert_eq!(
                answer.status,
                endpoint.spec().success,
                "{} {path}: {}",
                endpoint.spec().id,
                answer.text()
            );
            assert_eq!(answer.header("location"), None, "{path} is answered, not redirected");
            if endpoint == Endpoint::CreateRun {
                let id = answer.json()["id"].as_i64().and_then(mlbench_core::RunId::new).unwrap();
                server.wait(id).await;
            }
        }
    }
}

#[tokio::test]
async fn every_path_says_its_methods_and_answers_head_as_get() {
    let server = TestServer::start().await;
    server.run("true").await;
    for endpoint in Endpoint::ALL {
        let path = path(endpoint, 1);
        let options = server.request("OPTIONS", &path).send().await;
        assert_eq!(options.status, 204, "{path}");
        let allowed = options.header("allow").unwrap_or_default().to_owned();
        assert!(
            allowed.split(", ").any(|method| method == endpoint.spec().method.as_str()),
            "{path}: {allowed}"
        );
        if endpoint.spec().method == Method::Get {
            let (get, head) = (server.get(&path).await, server.request("HEAD", &path).send().await);
            assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
            assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        }
    }
}
