use std::fs;

use mlbench_tests::TestServer;

#[tokio::test]
async fn beyond_loopback_a_server_needs_a_token_or_to_be_told_that_it_needs_none() {
    let server = TestServer::start().await;
    let database = server.dir().join("other.db");
    let ended = server.refused(&["--listen", "0.0.0.0:0", "--database", database.to_str().unwrap()]).await;
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(
        ended.stderr.contains("--token-file") && ended.stderr.contains("--insecure-no-auth"),
        "{ended:?}"
    );
    assert!(!database.exists(), "a server that is refused leaves no trace");
}

#[tokio::test]
async fn a_file_that_holds_no_token_is_refused_without_being_shown() {
    let server = TestServer::start().await;
    let file = server.dir().join("token");
    let path = file.to_str().unwrap();
    let database = server.dir().join("other.db");
    let args = ["--listen", "127.0.0.1:0", "--token-file", path, "--database", database.to_str().unwrap()];
    for (content, says) in [(None, "cannot be read"), (Some("hunter2"), "16 characters"), (Some(""), "16")] {
        if let Some(content) = content {
            fs::write(&file, content).unwrap();
        }
        let ended = server.refused(&args).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{ended:?}");
        assert!(ended.stderr.contains(path) && ended.stderr.contains(says), "{ended:?}");
        assert!(!ended.stderr.contains("hunter2"), "{ended:?}");
    }
}

#[tokio::test]
async fn a_token_and_the_wish_for_none_contradict_each_other() {
    let server = TestServer::start().await;
    let ended = server.refused(&["--insecure-no-auth", "--token-file", "token"]).await;
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stderr.contains("leave one of them out"), "{ended:?}");
}
