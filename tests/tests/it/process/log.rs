use std::fs::File;
use std::os::fd::OwnedFd;

use mlbench_client::RunState;
use mlbench_tests::{ServerOptions, TestServer};

/// Runs, stores, is ready and ends as if somebody read its log.
async fn assert_works(mut server: TestServer) {
    let run = server.run("true").await;
    assert_eq!(run.state, RunState::Finished, "{:?}", run.job_metadata);
    let stopped = server.start_run("sleep 1000").await;
    server.client().runs().stop(stopped.id).await.unwrap();
    assert_eq!(server.wait(stopped.id).await.state, RunState::Stopped);
    let metric = format!(r#"{{"run_id":{},"name":"loss","value":1}}"#, run.id);
    assert_eq!(server.post("/api/metrics", &metric).await.status, 201);
    assert_eq!(server.get("/readyz").await.status, 200);
    assert!(server.terminate().await.success());
}

#[tokio::test]
async fn a_log_whose_reader_has_gone_changes_nothing_else() {
    let (reader, writer) = std::io::pipe().unwrap();
    let server =
        ServerOptions::default().args(&["--log", "debug"]).log_to(OwnedFd::from(writer)).start().await;
    drop(reader);
    assert_works(server).await;
}

#[tokio::test]
async fn a_log_on_a_full_disk_changes_nothing_else() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    assert_works(ServerOptions::default().args(&["--log", "debug"]).log_to(full).start().await).await;
}

#[tokio::test]
async fn a_log_that_nobody_reads_changes_nothing_else() {
    let (reader, writer) = std::io::pipe().unwrap();
    // More than a pipe takes.
    let server =
        ServerOptions::default().args(&["--log", "trace"]).log_to(OwnedFd::from(writer)).start().await;
    assert_works(server).await;
    drop(reader);
}

#[tokio::test]
async fn the_error_of_a_server_that_cannot_start_may_be_lost_but_not_its_exit_code() {
    let server = TestServer::start().await;
    let address = server.address().to_string();
    let database = server.dir().join("other.db");
    let command = format!(
        "'{}' --listen {address} --database '{}' 2>/dev/full",
        mlbench_tests::binary("mlbench-server").display(),
        database.display()
    );
    let ended = std::process::Command::new("sh").args(["-c", &command]).status().unwrap();
    assert_eq!(ended.code(), Some(1));
}
