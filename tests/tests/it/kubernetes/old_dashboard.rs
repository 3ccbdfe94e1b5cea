//! The steps of the old dashboard's integration test, with this server's status codes, states and names.

use mlbench_tests::kube::{IMAGE, KUBE_TIMEOUT, Leftovers, TOKEN};
use mlbench_tests::{Request, Response, TestServer, eventually};
use serde_json::Value;

use super::harness::{TestCluster, shared_cluster, wait_until_nothing_is_left};

fn request(server: &TestServer, method: &str, path: &str) -> Request {
    server.request(method, path).header("authorization", &format!("Bearer {TOKEN}"))
}

async fn create(server: &TestServer, command: &str) -> Response {
    let fields = [
        ("name", "test_run"),
        ("num_workers", "1"),
        ("num_cpus", "0.1"),
        ("max_bandwidth", "1000"),
        ("image_name", "custom_image"),
        ("custom_image_name", IMAGE),
        ("custom_image_command", command),
        ("backend", "custom_backend"),
        ("custom_backend", "none"),
        ("run_all_nodes", "False"),
        ("gpu_enabled", "False"),
        ("light_target", "False"),
        ("use_horovod", "False"),
    ];
    request(server, "POST", "/api/runs/").form(&fields).send().await
}

async fn get(server: &TestServer, path: &str) -> Value {
    let response = request(server, "GET", path).send().await;
    assert_eq!(response.status, 200, "{}", response.text());
    response.json()
}

async fn wait_for_state(server: &TestServer, state: &str) {
    eventually(&format!("the run is {state}"), KUBE_TIMEOUT, async || {
        let run = get(server, "/api/runs/1/").await;
        assert_ne!(run["state"], "FAILED", "{run}");
        (run["state"] == state).then_some(())
    })
    .await;
}

/// Checks that the run has one pod and the expected objects.
async fn assert_has_objects(cluster: &TestCluster, server: &TestServer) {
    let pods = get(server, "/api/pods/").await;
    assert_eq!(pods.as_array().map(Vec::len), Some(1), "{pods}");
    assert_eq!(pods[0]["name"], "test-run-mlbench-worker-rel-0");
    assert_eq!(cluster.names("statefulset").await, ["test-run-mlbench-worker-rel"]);
    assert_eq!(cluster.names("service").await, ["test-run-mlbench-worker-rel"]);
}

/// Waits until the run has no objects and no pods.
async fn wait_until_gone(cluster: &TestCluster, server: &TestServer) {
    wait_until_nothing_is_left(cluster).await;
    eventually("the API shows no pod", KUBE_TIMEOUT, async || {
        get(server, "/api/pods/").await.as_array().is_some_and(Vec::is_empty).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_run_is_created_finishes_and_is_deleted() {
    let Some(cluster) = shared_cluster().await else { return };
    let server = cluster.server(2).await;
    assert_eq!(get(&server, "/api/runs/").await, Value::Array(Vec::new()));
    let created = create(&server, "sleep 8").await;
    assert_eq!(created.status, 200, "{}", created.text());
    assert_eq!((&created.json()["id"], &created.json()["name"]), (&1.into(), &"test_run".into()));
    assert_eq!(create(&server, "sleep 1").await.status, 409);
    wait_for_state(&server, "STARTED").await;
    assert_has_objects(&cluster, &server).await;
    wait_for_state(&server, "FINISHED").await;
    wait_until_gone(&cluster, &server).await;
    assert_eq!(request(&server, "DELETE", "/api/runs/1/").send().await.status, 204);
    assert_eq!(request(&server, "GET", "/api/runs/1/").send().await.status, 404);
}

#[tokio::test]
async fn deleting_a_running_run_deletes_its_pods() {
    let Some(cluster) = shared_cluster().await else { return };
    let server = cluster.server(2).await;
    assert_eq!(create(&server, "sleep 1000").await.status, 200);
    wait_for_state(&server, "STARTED").await;
    assert_has_objects(&cluster, &server).await;
    assert_ne!(cluster.leftovers().await, Leftovers::NONE);
    assert_eq!(request(&server, "DELETE", "/api/runs/1/").send().await.status, 204);
    assert_eq!(request(&server, "GET", "/api/runs/1/").send().await.status, 404);
    wait_until_gone(&cluster, &server).await;
    assert_eq!(get(&server, "/api/runs/").await, Value::Array(Vec::new()));
}
