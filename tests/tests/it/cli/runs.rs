use mlbench_tests::TestServer;

#[tokio::test]
async fn a_run_is_started_awaited_shown_and_listed() {
    let server = TestServer::start().await;
    let cli = server.cli();
    let run = cli.json(&["runs", "start", "--name", "first", "--command", "echo hello", "--wait"]).await;
    assert_eq!((run["id"].as_u64(), run["state"].as_str()), (Some(1), Some("FINISHED")));
    for which in ["1", "first"] {
        assert_eq!(cli.json(&["runs", "show", which]).await["job_id"], run["job_id"], "{which}");
    }
    let table = cli.ok(&["runs", "list", "-o", "table"]).await;
    assert!(table.contains("first") && table.contains("FINISHED"), "{table}");
    let csv = cli.ok(&["runs", "list", "-o", "csv"]).await;
    assert!(csv.lines().next().unwrap().starts_with("id,") && csv.lines().count() == 2, "{csv}");
    let logs = cli.ok(&["runs", "logs", "1", "--rank", "1"]).await;
    assert!(logs.contains("hello") && !logs.contains("[0]"), "{logs}");
}

#[tokio::test]
async fn a_name_shared_by_runs_selects_the_newest() {
    let server = TestServer::start().await;
    let cli = server.cli();
    for _ in 0..2 {
        cli.ok(&["runs", "start", "--name", "twice", "--command", "true", "--wait"]).await;
    }
    let shown = cli.run(&["runs", "show", "twice", "-o", "json"]).await;
    assert_eq!(shown.code, 0, "{shown:?}");
    assert!(shown.stdout.contains("\"id\": 2") || shown.stdout.contains("\"id\":2"), "{}", shown.stdout);
    assert!(shown.stderr.contains('2'), "the message names the run: {:?}", shown.stderr);
}

#[tokio::test]
async fn followed_logs_end_with_the_run() {
    let server = TestServer::start().await;
    let cli = server.cli();
    cli.ok(&[
        "runs",
        "start",
        "--name",
        "talks",
        "--command",
        "sh -c 'for i in 1 2 3; do echo line $i; sleep 0.2; done'",
    ])
    .await;
    let logs = cli.ok(&["runs", "logs", "talks", "--follow", "--rank", "0"]).await;
    let lines = logs.lines().filter(|line| line.contains("line ")).count();
    assert_eq!(lines, 3, "{logs}");
}

#[tokio::test]
async fn a_run_is_stopped_awaited_and_deleted() {
    let server = TestServer::start().await;
    let cli = server.cli();
    cli.ok(&["runs", "start", "--name", "long", "--command", "sleep 1000"]).await;
    cli.ok(&["runs", "stop", "long"]).await;
    let waited = cli.run(&["runs", "wait", "long"]).await;
    assert_eq!(waited.code, 6, "{waited:?}");
    assert_eq!(cli.json(&["runs", "show", "long"]).await["state"], "STOPPED");
    cli.ok(&["runs", "delete", "long"]).await;
    assert_eq!(cli.run(&["runs", "show", "long"]).await.code, 3);
}

#[tokio::test]
async fn pods_are_listed() {
    let server = TestServer::start().await;
    let pods = server.cli().json(&["pods"]).await;
    assert_eq!(pods.as_array().unwrap().len(), 2);
    let table = server.cli().ok(&["pods"]).await;
    assert!(table.contains("local-mlbench-worker-1") && table.contains("Running"), "{table}");
}
