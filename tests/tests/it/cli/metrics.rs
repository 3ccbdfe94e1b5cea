use mlbench_tests::TestServer;
use serde_json::json;

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
        assert!(
            run.code == 3 && run.stderr.contains("--run \"7\": not found; there are \"measured\""),
            "{run:?}"
        );
    }
    for owner in [["--pod", "local-mlbench-worker-0"].as_slice(), &[]] {
        let nowhere = cli.run(&[&["metrics", "--metric", "gain"], owner].concat()).await;
        assert_eq!(nowhere.code, 3, "{nowhere:?}");
    }
}

#[tokio::test]
async fn points_are_written_as_a_table_for_programs() {
    let server = TestServer::start().await;
    let (cli, folder) = (server.cli(), tempfile::tempdir().unwrap());
    server.run("true").await;
    let series = json!({"run_id": 1, "name": "loss @ 0", "value": [0.5, 0.25], "step": [1, 2]});
    assert_eq!(server.post("/api/metrics/batch/", series).await.json()["accepted"], 2);
    for format in ["arrow", "parquet"] {
        let file = folder.path().join(format).display().to_string();
        let written = ["metrics", "--run", "1", "--last", "1", "-o", format, "--output-file", &file];
        let output = cli.run(&written).await;
        assert_eq!((output.code, output.stdout.as_str()), (0, ""), "{output:?}");
        let bytes = std::fs::read(&file).unwrap();
        let path = format!("/api/metrics/1/?metric_type=run&last_n=1&format={format}");
        assert_eq!(bytes, server.get(&path).await.body);
        assert_eq!(output.stderr, format!("wrote {} bytes to {file}\n", bytes.len()));
        let piped = cli.ok(&["metrics", "--run", "1", "--last", "1", "-o", format]).await;
        assert_eq!(piped, String::from_utf8_lossy(&bytes));
    }
    let mistyped = cli.run(&["metrics", "--run", "1", "--metric", "los @ 0", "-o", "arrow"]).await;
    assert_eq!((mistyped.code, mistyped.stdout.as_str()), (3, ""), "{mistyped:?}");
    let nowhere = folder.path().join("missing/points").display().to_string();
    let refused = cli.run(&["metrics", "-o", "parquet", "--output-file", &nowhere]).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("--output-file: cannot write"), "{refused:?}");
    let without_effect = cli.run(&["metrics", "-o", "csv", "--output-file", &nowhere]).await;
    assert_eq!(without_effect.code, 2, "{without_effect:?}");
    assert!(without_effect.stderr.contains("--output-file: no effect without --output arrow"));
}
