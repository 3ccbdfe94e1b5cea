use mlbench_tests::TestServer;

#[tokio::test]
async fn metrics_are_posted_and_read() {
    let server = TestServer::start().await;
    let cli = server.cli();
    cli.ok(&["runs", "start", "--name", "measured", "--command", "true", "--wait"]).await;
    for value in ["0.5", "0.25", "0.125"] {
        cli.ok(&["metrics", "post", "--run", "1", "--name", "loss @ 0", "--value", value]).await;
    }
    let metrics = cli.json(&["metrics", "--run", "1", "--last", "2"]).await;
    let values: Vec<_> =
        metrics["loss @ 0"].as_array().unwrap().iter().map(|p| p["value"].as_str().unwrap()).collect();
    assert_eq!(values, ["0.25", "0.125"]);
    let csv = cli.ok(&["metrics", "--run", "measured", "-o", "csv"]).await;
    assert_eq!(csv.lines().count(), 4, "{csv}");
    let table = cli.ok(&["metrics", "--run", "1", "--since", "10m", "-o", "table"]).await;
    assert!(table.contains("loss @ 0") && table.contains("0.125"), "{table}");
    let later = cli.json(&["metrics", "--run", "1", "--metric", "loss @ 0", "--since", "2100-01-01"]).await;
    assert!(
        later.as_object().unwrap().values().all(|points| points.as_array().unwrap().is_empty()),
        "{later}"
    );
    let mistyped = cli.run(&["metrics", "--run", "1", "--metric", "los @ 0"]).await;
    assert_eq!((mistyped.code, mistyped.stdout.as_str()), (3, ""), "{mistyped:?}");
    assert!(mistyped.stderr.contains("run 1 has no such metric; did you mean \"loss @ 0\"?"), "{mistyped:?}");
    let second = cli.run(&[
        "metrics",
        "--run",
        "1",
        "--metric",
        "loss @ 0",
        "--metric",
        "los",
        "--since",
        "2100-01-01",
    ]);
    assert_eq!(second.await.code, 3, "every name is checked");
    for command in [&["metrics"][..], &["metrics", "post", "--name", "x", "--value", "1"]] {
        let pod = cli.run(&[command, &["--pod", "local-mlbench-worker-7"]].concat()).await;
        assert_eq!((pod.code, pod.stdout.as_str()), (3, ""), "{pod:?}");
        let hint = "--pod \"local-mlbench-worker-7\": not found; did you mean \"local-mlbench-worker-0\"?";
        assert!(pod.stderr.contains(hint), "{pod:?}");
        let run = cli.run(&[command, &["--run", "mesured"]].concat()).await;
        assert_eq!(run.code, 3, "{run:?}");
        assert!(run.stderr.contains("--run \"mesured\": not found; did you mean \"measured\"?"), "{run:?}");
        let run = cli.run(&[command, &["--run", "7"]].concat()).await;
        assert!(run.code == 3 && run.stderr.contains("--run: run 7 does not exist"), "{run:?}");
    }
    for owner in [["--pod", "local-mlbench-worker-0"].as_slice(), &[]] {
        let nowhere = cli.run(&[&["metrics", "--metric", "gain"], owner].concat()).await;
        assert_eq!(nowhere.code, 3, "{nowhere:?}");
    }
}
