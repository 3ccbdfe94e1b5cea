use mlbench_client::{ErrorCode, RunRequest, RunState};
use mlbench_tests::{TestServer, new_run};
use serde_json::json;

#[tokio::test]
async fn of_fifty_simultaneous_starts_exactly_one_succeeds() {
    let server = TestServer::start().await;
    let body = r#"{"name":"race","custom_image_command":"sleep 1000"}"#;
    let starts = (0..50).map(|_| server.post("/api/runs/", body));
    let responses = futures_util::future::join_all(starts).await;
    let mut statuses: Vec<u16> = responses.iter().map(|response| response.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200);
    assert_eq!(statuses[1..], [409; 49]);
    let runs = server.client().runs().list().await.unwrap();
    assert_eq!(runs.len(), 1, "refused runs are not stored");
    let refusal = responses.iter().find(|response| response.status == 409).unwrap().problem();
    assert_eq!(refusal.code, ErrorCode::RunActive);
    assert!(refusal.detail.contains(&format!("run {}", runs[0].id)), "{}", refusal.detail);
    assert_eq!(refusal.message, refusal.detail);
}

#[tokio::test]
async fn a_run_can_start_once_the_previous_one_has_ended() {
    let server = TestServer::start().await;
    for expected in 1..=3_u64 {
        let run = server.run("true").await;
        assert_eq!((run.id.to_string(), run.state), (expected.to_string(), RunState::Finished));
    }
    let ids: Vec<_> =
        server.client().runs().list().await.unwrap().iter().map(|run| run.id.to_string()).collect();
    assert_eq!(ids, ["1", "2", "3"]);
}

#[tokio::test]
async fn a_run_over_the_worker_limit_is_refused() {
    let server = TestServer::start().await;
    let new = RunRequest { num_workers: Some(3), ..new_run("too many", "true") };
    let refused = server.post("/api/runs/", json!(new)).await;
    assert_eq!((refused.status, refused.problem().code), (422, ErrorCode::InsufficientCapacity));
    assert!(refused.problem().detail.contains('2'), "{}", refused.problem().detail);
    assert!(server.client().runs().list().await.unwrap().is_empty());
}
