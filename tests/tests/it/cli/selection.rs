//! Which lines, states and points a command selects.

use mlbench_tests::{TestServer, tools};

use super::output::shown;

#[tokio::test]
async fn lines_are_selected_by_rank_and_date() {
    let server = TestServer::start().await;
    let cli = server.cli();
    let command = server.script("echo one $RANK\nsleep 0.3\necho two $RANK\n");
    cli.ok(&["runs", "start", "--name", "two", "--command", &command, "--wait"]).await;
    let logs = async |options: &str| {
        let words: Vec<&str> =
            ["runs", "logs", "two"].into_iter().chain(options.split_whitespace()).collect();
        cli.ok(&words).await
    };
    let mut lines: Vec<String> = logs("--rank 1,0").await.lines().map(str::to_owned).collect();
    lines.sort_unstable();
    assert_eq!(lines, ["[0] one 0", "[0] two 0", "[1] one 1", "[1] two 1"]);
    assert_eq!(logs("--rank 0,1 --tail 3").await.lines().count(), 3);
    assert_eq!(logs("--rank 1 --tail 1").await, "two 1\n");
    let all = cli.ok(&["runs", "logs", "two", "--rank", "1", "-o", "ndjson"]).await;
    let last: serde_json::Value = serde_json::from_str(all.lines().last().unwrap()).unwrap();
    let date = last["date"].as_str().unwrap();
    assert_eq!(logs(&format!("--rank 1 --since {date}")).await, "two 1\n");
    assert_eq!(logs(&format!("--rank 1 --since {date} --timestamps")).await, format!("{date} two 1\n"));
    assert!(!logs(&format!("--rank 1 --since {date} --tail 9 --follow")).await.contains("one"));
    assert_eq!(logs("--since 1h").await, logs("").await);
    assert_eq!(logs("--since 9999-01-01").await, "");
    assert!(logs("--rank 1 --since 1h -o yaml").await.starts_with("---\nseq: "));
    for (options, code, problem) in [
        (["--rank", "0,2"], 3, "--rank 2: run 1 starts its command on ranks 0 to 1"),
        (["--timestamps", "--output=json"], 2, "--timestamps: no effect with --output json"),
        (["-o", "name"], 2, "--output name: no effect on the output of a run"),
    ] {
        let refused = cli.run(&[&["runs", "logs", "two"], &options[..]].concat()).await;
        assert_eq!(refused.code, code, "{refused:?}");
        assert!(refused.stderr.contains(problem), "{refused:?}");
    }
}

#[tokio::test]
async fn a_state_is_awaited() {
    let server = TestServer::start().await;
    let cli = server.cli();
    cli.ok(&["runs", "start", "--name", "long", "--command", "sleep 1000"]).await;
    let started = cli.json(&["runs", "wait", "long", "--for", "started"]).await;
    assert_eq!(started["state"], "STARTED");
    let late = cli.run(&["runs", "wait", "long", "--for", "failed", "--timeout", "0"]).await;
    assert_eq!(late.code, 1, "{late:?}");
    cli.ok(&["runs", "stop", "long"]).await;
    assert_eq!(cli.json(&["runs", "wait", "long", "--for=failed,stopped"]).await["state"], "STOPPED");
    let other = cli.run(&["runs", "wait", "long", "--for", "finished"]).await;
    assert_eq!(other.code, 6, "{other:?}");
    let unknown = cli.run(&["runs", "wait", "long", "--for", "ready"]).await;
    assert_eq!(unknown.code, 2, "{unknown:?}");
}

#[tokio::test]
async fn people_get_the_newest_points_and_programs_get_all() {
    let Some(script) = tools::script() else { return };
    let server = TestServer::start().await;
    let run = server.external_run("measured").await;
    let cli = server.cli();
    for (name, value) in [("acc", "0.5"), ("acc", "0.75"), ("loss", "1")] {
        cli.ok(&["metrics", "post", "--run", &run.to_string(), "--name", name, "--value", value]).await;
    }
    let newest = shown(&server, &script, "", "metrics --run measured").await;
    let mut lines = newest.lines();
    assert_eq!(lines.next().unwrap().split_whitespace().collect::<Vec<_>>(), ["metric", "date", "value"]);
    assert_eq!(lines.clone().count(), 3, "{newest}");
    assert!(lines.nth(1).unwrap().starts_with("acc ") && newest.contains("0.75\n"), "{newest}");
    assert!(newest.contains(" ago ") || newest.contains(" now "), "{newest}");
    let all = shown(&server, &script, "", "metrics --run measured --all --sort-by=-value").await;
    let values: Vec<&str> = all.lines().skip(2).filter_map(|line| line.split_whitespace().last()).collect();
    assert_eq!(values, ["1", "0.75", "0.5"]);
    for (options, count) in
        [("", 4), ("-o csv", 4), ("--all", 4), ("-o table", 4), ("-o name", 2), ("-o ndjson", 3)]
    {
        let words: Vec<&str> =
            ["metrics", "--run", "measured"].into_iter().chain(options.split_whitespace()).collect();
        assert_eq!(cli.ok(&words).await.lines().count(), count, "{options}");
    }
}
