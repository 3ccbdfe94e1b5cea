//! Runs that are carried to another server.

use std::fs;

use mlbench_client::RunState;
use mlbench_tests::TestServer;
use serde_json::json;
use tempfile::tempdir;

#[tokio::test]
async fn a_run_is_carried_to_another_server_the_same_to_the_byte() {
    let (here, there) = (TestServer::start().await, TestServer::start().await);
    let id = here.start_run(r#"sh -c 'printf "a\\200 x\\n"; echo err >&2; exit 3'"#).await.id;
    assert_eq!(here.wait(id).await.state, RunState::Failed);
    let values = json!([{"run_id": id, "name": "odd", "step": [0, 1, 2, 3], "value": ["1.50", "NaN", "-0", "\r"],
        "date": [1, 1, 2, 3]}]);
    assert_eq!(here.post("/api/metrics/batch/", values.to_string()).await.status, 200);
    let dir = tempdir().unwrap();
    let [first, second] = ["1.zip", "2.zip"].map(|name| dir.path().join(name).to_str().unwrap().to_owned());
    here.cli().ok(&["runs", "export", &id.to_string(), &first]).await;
    // Another run comes first there, so that the ids differ.
    assert_eq!(
        there.post("/api/runs/", json!({"name": "x", "external": true}).to_string()).await.status,
        200
    );
    let imported = there.cli().json(&["runs", "import", &first]).await;
    assert_eq!(
        (&imported["id"], &imported["imported_from"]["run_id"]),
        (&json!(2), &json!(id)),
        "{imported}"
    );
    there.cli().ok(&["runs", "export", "id:2", &second]).await;
    assert_eq!(fs::read(&first).unwrap(), fs::read(&second).unwrap());
    let logs =
        async |server: &TestServer, run: &str| server.cli().ok(&["runs", "logs", run, "--timestamps"]).await;
    assert_eq!(logs(&there, "id:2").await, logs(&here, &format!("id:{id}")).await);
    let mut damaged = fs::read(&first).unwrap();
    damaged.truncate(damaged.len() / 2);
    fs::write(&second, damaged).unwrap();
    let refused = there.cli().run(&["runs", "import", &second]).await;
    assert_eq!((refused.code, refused.stdout.as_str()), (1, ""), "{refused:?}");
    assert_eq!(there.client().runs().list().await.unwrap().len(), 2, "nothing of it is left");
}
