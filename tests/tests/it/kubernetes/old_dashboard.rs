//! What the old dashboard's integration test did, with the status codes, states and names of this server.

use mlbench_tests::kube::{IMAGE, Leftovers, SOON, TOKEN};
use mlbench_tests::{Answer, Request, TestServer, eventually};
use serde_json::Value;

use super::{World, nothing_is_left, world};

fn request(server: &TestServer, method: &str, path: &str) -> Request {
    server.request(method, path).header("authorization", &format!("Bearer {TOKEN}"))
}

async fn create(server: &TestServer, command: &str) -> Answer {
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
    let answer = request(server, "GET", path).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn run_in_state(server: &TestServer, state: &str) {
    eventually(&format!("the run is {state}"), SOON, async || {
        let run = get(server, "/api/runs/1/").await;
        assert!(run["state"] == state || run["state"] != "FAILED", "{run}");
        (run["state"] == state).then_some(())
    })
    .await;
}

/// The run has one pod and objects of the name that is expected.
async fn has_its_objects(world: &World, server: &TestServer) {
    let pods = get(server, "/api/pods/").await;
    assert_eq!(pods.as_array().map(Vec::len), Some(1), "{pods}");
    assert_eq!(pods[0]["name"], "test-run-mlbench-worker-rel-0");
    assert_eq!(world.names("statefulset").await, ["test-run-mlbench-worker-rel"]);
    assert_eq!(world.names("service").await, ["test-run-mlbench-worker-rel"]);
}

async fn has_none(world: &World, server: &TestServer) {
    nothing_is_left(world).await;
    eventually("the API shows no pod", SOON, async || {
        get(server, "/api/pods/").await.as_array().is_some_and(Vec::is_empty).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_run_is_created_ends_and_is_deleted() {
    let Some(world) = world().await else { return };
    let server = world.server(2).await;
    assert_eq!(get(&server, "/api/runs/").await, Value::Array(Vec::new()));
    let created = create(&server, "sleep 8").await;
    assert_eq!(created.status, 200, "{}", created.text());
    assert_eq!((&created.json()["id"], &created.json()["name"]), (&1.into(), &"test_run".into()));
    assert_eq!(create(&server, "sleep 1").await.status, 409);
    run_in_state(&server, "STARTED").await;
    has_its_objects(&world, &server).await;
    run_in_state(&server, "FINISHED").await;
    has_none(&world, &server).await;
    assert_eq!(request(&server, "DELETE", "/api/runs/1/").send().await.status, 204);
    assert_eq!(request(&server, "GET", "/api/runs/1/").send().await.status, 404);
}

#[tokio::test]
async fn a_running_run_is_deleted_with_its_pods() {
    let Some(world) = world().await else { return };
    let server = world.server(2).await;
    assert_eq!(create(&server, "sleep 1000").await.status, 200);
    run_in_state(&server, "STARTED").await;
    has_its_objects(&world, &server).await;
    assert_ne!(world.leftovers().await, Leftovers::NONE);
    assert_eq!(request(&server, "DELETE", "/api/runs/1/").send().await.status, 204);
    assert_eq!(request(&server, "GET", "/api/runs/1/").send().await.status, 404);
    has_none(&world, &server).await;
    assert_eq!(get(&server, "/api/runs/").await, Value::Array(Vec::new()));
}
