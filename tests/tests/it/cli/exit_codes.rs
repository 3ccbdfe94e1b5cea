use mlbench_tests::{Cli, Ended, TestServer};

fn assert_refused(ended: &Ended, code: i32, says: &str) {
    assert_eq!(ended.code, code, "{ended:?}");
    assert!(ended.stderr.contains(says), "{says:?} is not in {:?}", ended.stderr);
    assert_eq!(ended.stdout, "", "standard output is for data");
}

#[tokio::test]
async fn what_is_not_there_is_3() {
    let server = TestServer::start().await;
    assert_refused(&server.cli().run(&["runs", "show", "7"]).await, 3, "run 7");
    assert_refused(&server.cli().run(&["runs", "show", "no such name"]).await, 3, "no such name");
    assert_refused(&server.cli().run(&["metrics", "--pod", "nobody"]).await, 3, "nobody");
}

#[tokio::test]
async fn a_second_run_is_5_and_a_failed_one_that_was_awaited_6() {
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
async fn a_wrong_argument_is_2_and_no_server_7() {
    let nowhere = Cli::new("http://127.0.0.1:1");
    assert_refused(&nowhere.run(&["runs", "begin"]).await, 2, "begin");
    assert_refused(&nowhere.run(&["metrics", "--run", "1", "--since", "yesterday"]).await, 2, "yesterday");
    assert_refused(&nowhere.run(&["runs", "list"]).await, 7, "127.0.0.1:1");
}

#[tokio::test]
async fn what_the_server_refuses_is_1_and_said_in_its_words() {
    let server = TestServer::start().await;
    let many = server.cli().run(&["runs", "start", "--name", "many", "--workers", "99"]).await;
    assert_refused(&many, 1, "99");
}
