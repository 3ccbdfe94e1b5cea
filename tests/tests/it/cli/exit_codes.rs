use mlbench_tests::{Cli, CommandOutput, TestServer};

fn assert_refused(output: &CommandOutput, code: i32, expected: &str) {
    assert_eq!(output.code, code, "{output:?}");
    assert!(output.stderr.contains(expected), "{expected:?} is not in {:?}", output.stderr);
    assert_eq!(output.stdout, "", "standard output is for data");
}

#[tokio::test]
async fn not_found_is_3() {
    let server = TestServer::start().await;
    assert_refused(&server.cli().run(&["runs", "show", "7"]).await, 3, r#"run "7""#);
    assert_refused(&server.cli().run(&["runs", "show", "no such name"]).await, 3, "no such name");
    assert_refused(&server.cli().run(&["metrics", "--pod", "missing"]).await, 3, "missing");
}

#[tokio::test]
async fn a_conflict_is_5_and_an_awaited_failed_run_is_6() {
    let server = TestServer::start().await;
    let cli = server.cli();
    cli.ok(&["runs", "start", "--name", "one", "--command", "sleep 1000"]).await;
    assert_refused(&cli.run(&["runs", "start", "--name", "two", "--command", "true"]).await, 5, "run 1");
    cli.ok(&["runs", "stop", "1"]).await;
    server.wait(mlbench_client::RunId::new(1).unwrap()).await;
    let failed = cli.run(&["runs", "start", "--name", "bad", "--command", "false", "--wait"]).await;
    assert_eq!(failed.code, 6, "{failed:?}");
    assert!(failed.stderr.contains("rank"), "{}", failed.stderr);
}

#[tokio::test]
async fn wrong_usage_is_2_and_an_unreachable_server_is_7() {
    let nowhere = Cli::new("http://127.0.0.1:1");
    assert_refused(&nowhere.run(&["runs", "begin"]).await, 2, "begin");
    assert_refused(&nowhere.run(&["metrics", "--run", "1", "--since", "yesterday"]).await, 2, "yesterday");
    assert_refused(&nowhere.run(&["runs", "list"]).await, 7, "127.0.0.1:1");
    assert_refused(&nowhere.run(&["runs", "start", "--name", "x", "--wait"]).await, 7, "127.0.0.1:1");
    assert_refused(&nowhere.run(&["runs", "logs", "1", "-o", "table"]).await, 2, "no effect");
}

#[tokio::test]
async fn a_refusal_is_1_and_quotes_the_server() {
    let server = TestServer::start().await;
    let many = server.cli().run(&["runs", "start", "--name", "many", "--workers", "99"]).await;
    assert_refused(&many, 1, "99");
}
