use mlbench_tests::{Cli, TIMEOUT, TestServer};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

const RUN: &str = "\
name: from-file
num_workers: 1
environment:
  GREETING: hello
  PLACE: file
params: {lr: 0.1, deep: true}
tags: {team: vision}
custom_image_command: sh -c 'echo $GREETING $PLACE'
";

/// Writes a file into the directory of the server, and returns its path.
fn write(server: &TestServer, name: &str, text: &str) -> String {
    let path = server.dir().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_run_is_started_from_a_file_and_flags() {
    let server = TestServer::start().await;
    let cli = server.cli();
    let file = write(&server, "run.yaml", RUN);
    let run = cli.json(&["runs", "start", "-f", &file, "--wait"]).await;
    assert_eq!((&run["name"], &run["num_workers"]), (&json!("from-file"), &json!(1)), "{run}");
    assert_eq!(run["params"], json!({"lr": 0.1, "deep": true}));
    assert_eq!(cli.ok(&["runs", "logs", "from-file", "--rank", "0"]).await, "hello file\n");
    let flags = ["--name", "again", "--workers", "2", "--env", "PLACE=flag", "--param", "lr=0.2"];
    let start = [&["runs", "start", "--file", &file, "--tag", "best=yes", "--wait"][..], &flags].concat();
    let run = cli.json(&start).await;
    assert_eq!((&run["name"], &run["num_workers"]), (&json!("again"), &json!(2)), "{run}");
    assert_eq!(run["params"], json!({"lr": 0.2, "deep": true}));
    assert_eq!(run["tags"], json!({"team": "vision", "best": "yes"}));
    assert_eq!(cli.ok(&["runs", "logs", "again", "--rank", "1"]).await, "hello flag\n");
}

#[tokio::test]
async fn a_dry_run_prints_a_request_that_starts_the_run() {
    let server = TestServer::start().await;
    let file = write(&server, "run.yaml", RUN);
    // Port 1 has no listener, so that a request would fail.
    let absent = Cli::new("http://127.0.0.1:1");
    let dry = ["runs", "start", "--file", &file, "--name", "piped", "--memory", "64Mi", "--dry-run"];
    let expected = json!({
        "name": "piped", "num_workers": 1, "memory": 67_108_864, "params": {"lr": 0.1, "deep": true},
        "environment": {"GREETING": "hello", "PLACE": "file"}, "tags": {"team": "vision"},
        "custom_image_command": "sh -c 'echo $GREETING $PLACE'"
    });
    let printed = absent.ok(&dry).await;
    assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), expected);
    let line = absent.ok(&[&dry[..], &["-o", "ndjson"]].concat()).await;
    assert_eq!((line.lines().count(), serde_json::from_str::<Value>(&line).unwrap()), (1, expected));
    for text in [printed, absent.ok(&[&dry[..], &["-o", "yaml"]].concat()).await] {
        let mut start = server.cli().spawn(&["runs", "start", "-f", "-", "--wait", "-o", "json"]);
        start.stdin.take().unwrap().write_all(text.as_bytes()).await.unwrap();
        let output = timeout(TIMEOUT, start.wait_with_output()).await.unwrap().unwrap();
        assert!(output.status.success(), "{output:?}");
        let run: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&run["name"], &run["state"]), (&json!("piped"), &json!("FINISHED")), "{text}");
        assert_eq!(run["tags"], json!({"team": "vision"}), "{text}");
    }
    assert_eq!(server.cli().json(&["runs", "list"]).await.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_file_or_a_flag_that_is_not_valid_is_named_before_a_request() {
    let server = TestServer::start().await;
    let cli = server.cli();
    for (name, text, problem) in [
        (
            "field.yaml",
            "name: x\nnum_workers: none",
            "num_workers: must be a whole number of at least 1, not \"none\"",
        ),
        ("unknown.yaml", "name: x\nworker: 2", "\"worker\": unknown field"),
        (
            "twice.yaml",
            "name: x\nname: y",
            "not valid YAML (line 2, column 1): \"name\" is there twice; remove one",
        ),
        ("broken.json", "{\n  \"name\": x\n}", "not a JSON object (line 2, column 11): expected value"),
        ("nameless.yml", "num_workers: 1", "name: missing; every run needs one"),
    ] {
        let file = write(&server, name, text);
        for extra in [&[][..], &["--dry-run"]] {
            let refused = cli.run(&[&["runs", "start", "-f", &file], extra].concat()).await;
            assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{refused:?}");
            let expected = format!("mlbench: --file {file}: {problem}");
            assert!(refused.stderr.starts_with(&expected), "{refused:?}");
        }
    }
    for (flags, problem) in [
        (&["--dry-run", "-o", "csv"][..], "--output csv: no effect with --dry-run; use yaml or json"),
        (&["--dry-run", "--wait"], "cannot be used with"),
        (&["--dry-run", "--image", "custom_image"], "custom_image_name: missing"),
    ] {
        let refused = cli.run(&[&["runs", "start", "--name", "x"], flags].concat()).await;
        assert!(refused.code == 2 && refused.stderr.contains(problem), "{refused:?}");
    }
    assert_eq!(cli.json(&["runs", "list"]).await, json!([]));
}
