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
    assert_eq!(shown.stderr, "2 runs are named \"twice\"; using run 2, the newest\n");
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
    for follow in [&["--follow"][..], &[]] {
        let tail = [&["runs", "logs", "talks", "--rank", "0", "--tail", "2"], follow].concat();
        assert_eq!(cli.ok(&tail).await, "line 2\nline 3\n");
    }
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
    let table = server.cli().ok(&["pods", "-o", "table"]).await;
    assert!(table.contains("local-mlbench-worker-1") && table.contains("Running"), "{table}");
}

#[tokio::test]
async fn digits_are_an_id_or_else_a_name() {
    let server = TestServer::start().await;
    let cli = server.cli();
    for name in ["2", "first", "99999999999999999999", "007"] {
        cli.ok(&["runs", "start", "--name", name, "--command", "true", "--wait"]).await;
    }
    let id = async |which: &str| cli.json(&["runs", "show", which]).await["id"].as_u64();
    assert_eq!(id("2").await, Some(2), "an id comes first");
    assert_eq!(id("name:2").await, Some(1));
    assert_eq!(id("99999999999999999999").await, Some(3));
    assert_eq!(id("007").await, Some(4));
    for command in ["delete", "stop"] {
        let refused = cli.run(&["runs", command, "2"]).await;
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.stderr.contains("write id:2 for run 2 or name:2 for run 1"), "{refused:?}");
    }
    cli.ok(&["runs", "delete", "id:2"]).await;
    assert_eq!(id("2").await, Some(1), "no run has this id");
    cli.ok(&["metrics", "post", "--run", "2", "--name", "loss", "--value", "1"]).await;
    assert_eq!(cli.json(&["metrics", "--run", "name:2"]).await["loss"][0]["value"], "1");
    cli.ok(&["runs", "delete", "2"]).await;
    assert_eq!(cli.run(&["runs", "show", "2"]).await.code, 3);
}

#[tokio::test]
async fn output_of_a_rank_that_does_not_exist_is_an_error() {
    let server = TestServer::start().await;
    let cli = server.cli();
    cli.ok(&["runs", "start", "--name", "two", "--command", "echo hello", "--wait"]).await;
    let refused = cli.run(&["runs", "logs", "two", "--rank", "2"]).await;
    assert_eq!((refused.code, refused.stdout.as_str()), (3, ""), "{refused:?}");
    assert!(refused.stderr.contains("on ranks 0 to 1"), "{refused:?}");
}

#[tokio::test]
async fn a_metric_that_no_compared_run_has_is_an_error() {
    let server = TestServer::start().await;
    let cli = server.cli();
    for name in ["one", "two", "none"] {
        cli.ok(&["runs", "start", "--name", name, "--command", "true", "--wait"]).await;
    }
    cli.ok(&["metrics", "post", "--run", "one", "--name", "train_loss @ 0", "--value", "0.5"]).await;
    cli.ok(&["metrics", "post", "--run", "two", "--name", "note", "--value", "no number"]).await;
    let compare = async |runs: &[&str], metric: &str| {
        cli.run(&[&["runs", "compare", "--metric", metric, "--goal", "1", "-o", "csv"], runs].concat()).await
    };
    for metric in ["train_loss", "train_loss @ 0", "note"] {
        let some = compare(&["one", "two", "none"], metric).await;
        assert_eq!(some.code, 0, "one of the runs has it: {some:?}");
    }
    for (runs, metric, problem) in [
        (&["one"][..], "trian_loss", "run 1 has no such metric; did you mean \"train_loss\"?"),
        (
            &["one", "two"],
            "train_loss @ 1",
            "none of the runs 1, 2 has such a metric; did you mean \"train_loss @ 0\"?",
        ),
        (&["none"], "train_loss", "run 3 has no such metric; it has no metrics"),
    ] {
        let refused = compare(runs, metric).await;
        assert_eq!((refused.code, refused.stdout.as_str()), (3, ""), "{refused:?}");
        assert_eq!(refused.stderr, format!("mlbench: --metric {metric:?}: {problem}\n"));
    }
    let baseline = cli.run(&["runs", "compare", "one", "--baseline", "tow"]).await;
    assert_eq!(baseline.code, 3, "{baseline:?}");
    assert!(baseline.stderr.contains("--baseline \"tow\": not found; did you mean \"two\"?"), "{baseline:?}");
}

#[tokio::test]
async fn whole_numbers_have_every_spelling() {
    let server = TestServer::start().await;
    let cli = server.cli();
    let started = ["runs", "start", "--name", "one", "--workers", "1.0", "--command", "echo hello", "--wait"];
    assert_eq!(cli.json(&started).await["num_workers"], 1);
    assert_eq!(cli.ok(&["runs", "logs", "one", "--rank", "0.0", "--tail", "1e1"]).await, "hello\n");
    let response = server.get("/api/runs/1.0/").await;
    assert_eq!(response.status, 404);
    let detail = response.json()["detail"].clone();
    assert_eq!(detail, "run \"1.0\" does not exist; in a path, write the id as 1");
}

#[tokio::test]
async fn a_run_that_has_ended_is_not_waited_for() {
    let server = TestServer::start().await;
    let cli = server.cli();
    cli.ok(&["runs", "start", "--name", "ended", "--command", "true", "--wait"]).await;
    assert!(cli.ok(&["runs", "wait", "ended", "--timeout", "0"]).await.contains("FINISHED"));
    cli.ok(&["runs", "start", "--name", "long", "--command", "sleep 1000"]).await;
    let late = cli.run(&["runs", "wait", "long", "--timeout", "0"]).await;
    assert_eq!(late.code, 1, "{late:?}");
    assert!(late.stderr.contains("is still STARTED after 0 s"), "{late:?}");
}
