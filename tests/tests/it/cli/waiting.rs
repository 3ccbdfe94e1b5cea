//! Waiting for a run while the server is away.

use std::process::Stdio;

use mlbench_tests::{Cli, TIMEOUT, TestServer, binary};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

#[tokio::test]
async fn waiting_goes_on_while_the_server_is_away() {
    let mut server = TestServer::start().await;
    server.cli().ok(&["runs", "start", "--name", "long", "--command", "sleep 1000"]).await;
    let mut command = Command::new(binary("mlbench"));
    command.args(["runs", "wait", "long"]).env("MLBENCH_URL", server.url()).stdin(Stdio::null());
    let mut wait = command.stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut messages = BufReader::new(wait.stderr.take().unwrap()).lines();
    let mut message = async || messages.next_line().await.unwrap().unwrap();
    assert!(message().await.contains("STARTED"));
    server.kill9().await;
    assert!(message().await.starts_with("retrying until the server responds"));
    server.restart().await;
    server.cli().ok(&["runs", "stop", "long"]).await;
    let ended = tokio::time::timeout(TIMEOUT, wait.wait()).await.expect("it ends in time").unwrap();
    assert_eq!(ended.code(), Some(6));
}

#[tokio::test]
async fn a_server_that_stays_away_is_7_when_the_time_is_over() {
    let nowhere = Cli::new("http://127.0.0.1:1");
    for arguments in [["runs", "wait", "1", "--timeout", "1"].as_slice(), &["runs", "wait", "1"]] {
        let ended = nowhere.run(arguments).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (7, ""), "{ended:?}");
    }
}

#[tokio::test]
async fn a_server_that_never_responds_is_7_when_the_time_is_over() {
    // Connections wait in the backlog of a listener that accepts none.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let cli = Cli::new(&format!("http://{}", silent.local_addr().unwrap()));
    let ended = cli.run(&["runs", "wait", "1", "--timeout", "1"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (7, ""), "{ended:?}");
    assert!(ended.stderr.contains("within 2 s"), "not the 30 s of a request: {ended:?}");
}

#[tokio::test]
async fn an_archive_may_have_the_longest_name_of_the_file_system() {
    let server = TestServer::start().await;
    let directory = tempfile::tempdir().unwrap();
    server.cli().ok(&["runs", "start", "--name", "named", "--command", "true", "--wait"]).await;
    let path = directory.path().join("x".repeat(255));
    server.cli().ok(&["runs", "download", "named", "--output-file", path.to_str().unwrap()]).await;
    let names: Vec<_> =
        std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(names, [path]);
}
