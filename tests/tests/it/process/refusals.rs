use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};

use mlbench_tests::{Ended, TestServer};

/// Exit code 1, and one line that says why.
fn assert_one_clear_line(ended: &Ended, says: &str) {
    assert_eq!(ended.code, 1, "{ended:?}");
    assert_eq!(ended.stderr.trim_end().lines().count(), 1, "{}", ended.stderr);
    assert!(ended.stderr.contains(says), "{says:?} is not in {}", ended.stderr);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let server = TestServer::start().await;
    let address = server.address().to_string();
    let database = server.dir().join("other.db");
    let ended = server.refused(&["--listen", &address, "--database", database.to_str().unwrap()]).await;
    assert_one_clear_line(&ended, &address);
}

#[tokio::test]
async fn a_second_server_on_the_same_database_is_refused_and_told_of_the_first() {
    let server = TestServer::start().await;
    let database = server.database();
    let ended = server.refused(&["--listen", "127.0.0.1:0", "--database", database.to_str().unwrap()]).await;
    assert_one_clear_line(&ended, &server.pid().to_string());
}

#[tokio::test]
async fn a_database_that_cannot_be_written_is_named() {
    let server = TestServer::start().await;
    let file = server.dir().join("a-file");
    fs::write(&file, "").unwrap();
    let database = file.join("mlbench.db");
    let ended = server.refused(&["--listen", "127.0.0.1:0", "--database", database.to_str().unwrap()]).await;
    assert_one_clear_line(&ended, file.to_str().unwrap());
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_alone() {
    let server = TestServer::start().await;
    let file = server.dir().join("notes.txt");
    fs::write(&file, "these are my notes, not a database\n".repeat(100)).unwrap();
    let ended = server.refused(&["--listen", "127.0.0.1:0", "--database", file.to_str().unwrap()]).await;
    assert_one_clear_line(&ended, file.to_str().unwrap());
    assert!(fs::read_to_string(&file).unwrap().starts_with("these are my notes"));
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_not_touched() {
    let mut server = TestServer::start().await;
    server.terminate().await;
    let database = server.database();
    // SQLite keeps `user_version` in the bytes 60 to 63 of its file (<https://www.sqlite.org/fileformat.html>).
    let mut file = fs::File::options().write(true).open(&database).unwrap();
    file.seek(SeekFrom::Start(60)).unwrap();
    file.write_all(&9_999_u32.to_be_bytes()).unwrap();
    drop(file);
    let ended = server.refused(&["--listen", "127.0.0.1:0", "--database", database.to_str().unwrap()]).await;
    assert_one_clear_line(&ended, "newer");
}

#[tokio::test]
async fn an_address_beyond_this_machine_needs_a_word_of_consent() {
    let server = TestServer::start().await;
    let database = server.dir().join("other.db");
    let ended = server.refused(&["--listen", "0.0.0.0:0", "--database", database.to_str().unwrap()]).await;
    assert_one_clear_line(&ended, "--insecure-no-auth");
}
