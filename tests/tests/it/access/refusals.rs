use std::fs;

use mlbench_tests::TestServer;

#[tokio::test]
async fn listening_beyond_loopback_requires_a_token_or_a_flag() {
    let server = TestServer::start().await;
    let database = server.dir().join("other.db");
    let output =
        server.fail_to_start(&["--listen", "0.0.0.0:0", "--database", database.to_str().unwrap()]).await;
    assert_eq!(output.code, 1, "{output:?}");
    assert!(
        output.stderr.contains("--token-file") && output.stderr.contains("--insecure-no-auth"),
        "{output:?}"
    );
    assert!(!database.exists(), "a server that fails to start creates no database");
}

#[tokio::test]
async fn an_invalid_token_file_is_refused_and_never_printed() {
    let server = TestServer::start().await;
    let file = server.dir().join("token");
    let path = file.to_str().unwrap();
    let database = server.dir().join("other.db");
    let args = ["--listen", "127.0.0.1:0", "--token-file", path, "--database", database.to_str().unwrap()];
    for (content, expected) in
        [(None, "cannot be read"), (Some("hunter2"), "7 characters, at least 16"), (Some(""), "16")]
    {
        if let Some(content) = content {
            fs::write(&file, content).unwrap();
        }
        let output = server.fail_to_start(&args).await;
        assert_eq!((output.code, output.stdout.as_str()), (1, ""), "{output:?}");
        assert!(output.stderr.contains(path) && output.stderr.contains(expected), "{output:?}");
        assert!(!output.stderr.contains("hunter2"), "{output:?}");
    }
}

#[tokio::test]
async fn a_token_file_contradicts_insecure_no_auth() {
    let server = TestServer::start().await;
    let output = server.fail_to_start(&["--insecure-no-auth", "--token-file", "token"]).await;
    assert_eq!(output.code, 1, "{output:?}");
    assert!(output.stderr.contains("leave one of them out"), "{output:?}");
}
