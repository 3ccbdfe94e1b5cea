use std::fs;

use mlbench_client::RunState;
use mlbench_tests::TestServer;

/// Copies the database of a running server over that of another one, and starts that again.
async fn put_copy(original: &TestServer, server: &mut TestServer) {
    server.terminate().await;
    // A checkpoint between the two copies would mix an old database with a newer log.
    original.while_suspended(|| {
        for suffix in ["", "-wal"] {
            let file = |server: &TestServer| format!("{}{suffix}", server.database().display());
            fs::copy(file(original), file(server)).unwrap();
        }
    });
}

#[tokio::test]
async fn a_server_on_a_copy_leaves_the_live_run_of_the_original_alone() {
    let (original, mut copy) = (TestServer::start().await, TestServer::start().await);
    let run = original.start_run("sh -c 'echo up; sleep 1000'").await;
    original.wait_for_lines(run.id, 2).await;
    put_copy(&original, &mut copy).await;
    copy.restart().await;
    let there = copy.wait(run.id).await;
    assert_eq!(there.state, RunState::Failed);
    let reason = there.job_metadata.reason.unwrap_or_default();
    assert!(reason.contains("belongs to another server"), "{reason}");
    assert!(copy.log().contains("--adopt"), "{}", copy.log());
    copy.client().runs().delete(run.id).await.unwrap();
    copy.terminate().await;
    assert_eq!(original.client().runs().get(run.id).await.unwrap().state, RunState::Started);
    original.client().runs().stop(run.id).await.unwrap();
    assert_eq!(original.wait(run.id).await.state, RunState::Stopped);
    original.wait_until_nothing_runs().await;
}
