use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};

use mlbench_tests::{CommandOutput, TestServer};

/// Checks for exit code 1 and one line on standard error that contains `expected`.
fn assert_one_line_error(output: &CommandOutput, expected: &str) {
    assert_eq!(output.code, 1, "{output:?}");
    assert_eq!(output.stderr.trim_end().lines().count(), 1, "{}", output.stderr);
    assert!(output.stderr.contains(expected), "{expected:?} is not in {}", output.stderr);
    assert!(!output.stderr.contains("panicked"), "{}", output.stderr);
}

#[tokio::test]
async fn an_occupied_port_is_named() {
    let server = TestServer::start().await;
    let address = server.address().to_string();
    let database = server.dir().join("other.db");
    let output =
        server.fail_to_start(&["--listen", &address, "--database", database.to_str().unwrap()]).await;
    assert_one_line_error(&output, &address);
}

#[tokio::test]
async fn a_second_server_on_the_same_database_is_refused() {
    let server = TestServer::start().await;
    let database = server.database();
    let output =
        server.fail_to_start(&["--listen", "127.0.0.1:0", "--database", database.to_str().unwrap()]).await;
    assert_one_line_error(&output, &server.pid().to_string());
}

#[tokio::test]
async fn an_unwritable_database_is_named() {
    let server = TestServer::start().await;
    let file = server.dir().join("a-file");
    fs::write(&file, "").unwrap();
    let database = file.join("mlbench.db");
    let output =
        server.fail_to_start(&["--listen", "127.0.0.1:0", "--database", database.to_str().unwrap()]).await;
    assert_one_line_error(&output, file.to_str().unwrap());
}

#[tokio::test]
async fn a_file_that_is_not_a_database_is_left_unchanged() {
    let server = TestServer::start().await;
    let file = server.dir().join("notes.txt");
    fs::write(&file, "these are my notes, not a database\n".repeat(100)).unwrap();
    let output =
        server.fail_to_start(&["--listen", "127.0.0.1:0", "--database", file.to_str().unwrap()]).await;
    assert_one_line_error(&output, file.to_str().unwrap());
    assert!(fs::read_to_string(&file).unwrap().starts_with("these are my notes"));
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let mut server = TestServer::start().await;
    server.terminate().await;
    let database = server.database();
    // SQLite stores `user_version` in bytes 60 to 63 of the file (<https://www.sqlite.org/fileformat.html>).
    let mut file = fs::File::options().write(true).open(&database).unwrap();
    file.seek(SeekFrom::Start(60)).unwrap();
    file.write_all(&9_999_u32.to_be_bytes()).unwrap();
    drop(file);
    let output =
        server.fail_to_start(&["--listen", "127.0.0.1:0", "--database", database.to_str().unwrap()]).await;
    assert_one_line_error(&output, "newer");
}

#[tokio::test]
async fn listening_beyond_loopback_without_a_token_is_refused() {
    let server = TestServer::start().await;
    let database = server.dir().join("other.db");
    let output =
        server.fail_to_start(&["--listen", "0.0.0.0:0", "--database", database.to_str().unwrap()]).await;
    assert_one_line_error(&output, "--insecure-no-auth");
}

#[tokio::test]
async fn settings_of_the_other_cluster_are_refused() {
    let mut server = TestServer::start().await;
    let database = server.dir().join("other.db");
    let common = ["--listen", "127.0.0.1:0", "--cluster", "local", "--database", database.to_str().unwrap()];
    let output = server.fail_to_start(&[&common[..], &["--namespace", "lab"]].concat()).await;
    assert_one_line_error(&output, "--namespace: no effect on local workers");
    server.reconfigure(|options| options.env("MLBENCH_MAX_WORKERS", "3"));
    let output = server.fail_to_start(&common).await;
    assert_one_line_error(&output, "MLBENCH_MAX_WORKERS: no effect on local workers; use --workers");
}
