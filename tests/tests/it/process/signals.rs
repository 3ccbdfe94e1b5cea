use mlbench_client::{OutputStream, RunState};
use mlbench_tests::{ServerOptions, TestServer};

#[tokio::test]
async fn a_server_that_is_asked_to_end_leaves_its_run_going_and_says_so() {
    let mut server = TestServer::start().await;
    let run = server.start_run("sh -c 'echo ready; sleep 1000'").await;
    server.wait_for_lines(run.id, 2).await;
    let status = server.terminate().await;
    assert!(status.success(), "{status}");
    let log = server.log();
    assert!(
        log.lines().any(|line| line.contains(&format!("run {}", run.id)) && line.contains("goes on")),
        "{log}"
    );
    assert!(!server.descendants().is_empty(), "the run goes on");
    server.restart().await;
    assert!(server.client().runs().get(run.id).await.unwrap().state.is_active());
    server.client().runs().stop(run.id).await.unwrap();
    assert_eq!(server.wait(run.id).await.state, RunState::Stopped);
    assert_eq!(server.lines_of(run.id, 0, OutputStream::Stdout).await, ["ready"]);
}

#[tokio::test]
async fn ctrl_c_ends_an_idle_server_at_once() {
    let mut server = TestServer::start().await;
    assert!(server.interrupt().await.success());
    assert!(server.descendants().is_empty());
}

#[tokio::test]
async fn a_server_that_was_told_to_stops_its_runs_on_the_way_out() {
    let mut server = ServerOptions::default().args(&["--stop-runs-on-exit"]).start().await;
    let run = server.start_run("sh -c 'echo ready; sleep 1000'").await;
    server.wait_for_lines(run.id, 2).await;
    assert!(server.terminate().await.success());
    server.wait_until_nothing_runs().await;
    server.restart().await;
    assert_eq!(server.client().runs().get(run.id).await.unwrap().state, RunState::Stopped);
}
