use mlbench_client::{OutputStream, RunState};
use mlbench_tests::{ServerOptions, TestServer};

#[tokio::test]
async fn sigterm_stops_the_server_but_not_its_run() {
    let mut server = TestServer::start().await;
    let run = server.start_run("sh -c 'echo ready; sleep 1000'").await;
    server.wait_for_lines(run.id, 2).await;
    let status = server.terminate().await;
    assert!(status.success(), "{status}");
    let log = server.log();
    assert!(
        log.lines()
            .any(|line| line.contains(&format!("run {}", run.id))
                && line.contains("continues without the server")),
        "{log}"
    );
    assert!(!server.descendants().is_empty(), "the run continues");
    server.restart().await;
    assert!(server.client().runs().get(run.id).await.unwrap().state.is_active());
    server.client().runs().stop(run.id).await.unwrap();
    assert_eq!(server.wait(run.id).await.state, RunState::Stopped);
    assert_eq!(server.lines_of(run.id, 0, OutputStream::Stdout).await, ["ready"]);
}

#[tokio::test]
async fn ctrl_c_stops_an_idle_server() {
    let mut server = TestServer::start().await;
    assert!(server.interrupt().await.success());
    assert!(server.descendants().is_empty());
}

#[tokio::test]
async fn stop_runs_on_exit_stops_the_run() {
    let mut server = ServerOptions::default().args(&["--stop-runs-on-exit"]).start().await;
    let run = server.start_run("sh -c 'echo ready; sleep 1000'").await;
    server.wait_for_lines(run.id, 2).await;
    assert!(server.terminate().await.success());
    server.wait_until_nothing_runs().await;
    server.restart().await;
    assert_eq!(server.client().runs().get(run.id).await.unwrap().state, RunState::Stopped);
}
