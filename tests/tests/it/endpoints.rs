//! Every line of the table of endpoints, on the real server.

use mlbench_core::api::{ENDPOINTS, Endpoint, Method};
use mlbench_tests::{Answer, TestServer};
use serde_json::json;

/// The endpoint's path of a run, or of the first worker.
fn path_of(endpoint: &Endpoint, run: i64) -> String {
    let segment =
        if endpoint.path.contains("{id}") { run.to_string() } else { "local-mlbench-worker-0".to_owned() };
    endpoint.path_of(&[&segment])
}

/// Asks for the endpoint with what it takes, on a run that has ended.
async fn ask(server: &TestServer, endpoint: &Endpoint, path: &str, run: i64) -> Answer {
    match endpoint.name {
        "metrics.create" => server.post(path, json!({"run_id": run, "name": "x", "value": "1"})).await,
        "metrics.create_batch" => {
            server.post(path, json!([{"run_id": run, "name": "x", "value": "1"}])).await
        }
        "runs.create" => server.post(path, json!({"name": "x", "custom_image_command": "true"})).await,
        _ => server.request(endpoint.method.as_str(), path).send().await,
    }
}

#[tokio::test]
async fn every_endpoint_answers_with_and_without_the_slash() {
    let server = TestServer::start().await;
    for endpoint in ENDPOINTS {
        for slash in ["/", ""] {
            let run = server.run("true").await.id.get();
            let path = format!("{}{slash}", path_of(endpoint, run).trim_end_matches('/'));
            let answer = ask(&server, endpoint, &path, run).await;
            assert_eq!(answer.status, endpoint.status, "{} {path}: {}", endpoint.name, answer.text());
            assert_eq!(answer.header("location"), None, "{path} is answered, not redirected");
            if endpoint.name == "runs.create" {
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
    for endpoint in ENDPOINTS {
        let path = path_of(endpoint, 1);
        let options = server.request("OPTIONS", &path).send().await;
        assert_eq!(options.status, 204, "{path}");
        let allowed = options.header("allow").unwrap_or_default().to_owned();
        assert!(allowed.split(", ").any(|method| method == endpoint.method.as_str()), "{path}: {allowed}");
        if endpoint.method == Method::Get {
            let (get, head) = (server.get(&path).await, server.request("HEAD", &path).send().await);
            assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
            assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        }
    }
}
