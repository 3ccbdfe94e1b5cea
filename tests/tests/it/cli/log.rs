use mlbench_tests::{TIMEOUT, TestServer};
use tokio::io::AsyncWriteExt;
use tokio::process::Child;
use tokio::time::timeout;

async fn write(child: &mut Child, text: &str) {
    child.stdin.as_mut().unwrap().write_all(text.as_bytes()).await.unwrap();
}

/// Closes standard input, and returns the exit code with standard error.
async fn end(child: Child) -> (i32, String) {
    let output = timeout(TIMEOUT, child.wait_with_output()).await.unwrap().unwrap();
    assert!(output.stdout.is_empty(), "{output:?}");
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test]
async fn metrics_on_standard_input_are_stored_with_their_steps() {
    let server = TestServer::start().await;
    let cli = server.cli();
    cli.ok(&["runs", "start", "--name", "logged", "--command", "true", "--wait"]).await;
    let mut log = cli.spawn(&["log", "--run", "logged"]);
    write(&mut log, "loss @ 0=0.5\n{\"name\": \"accuracy\", \"value\": NaN, \"step\": 7}\n").await;
    write(&mut log, "\nloss @ 0 = 1.50").await;
    assert_eq!(end(log).await, (0, String::new()));
    let metrics = cli.json(&["metrics", "--run", "1"]).await;
    let values = |name: &str| -> Vec<_> {
        metrics[name].as_array().unwrap().iter().map(|point| point["value"].as_str().unwrap()).collect()
    };
    assert_eq!((values("loss @ 0"), values("accuracy")), (vec!["0.5", "1.50"], vec!["NaN"]));
    let stored = server.get("/api/metrics/1/?metric_type=run&fields=step").await.json();
    assert_eq!(stored["accuracy"][0]["step"], 7, "{stored}");
}

#[tokio::test]
async fn lines_that_are_no_metrics_are_named_and_the_others_stored() {
    let server = TestServer::start().await;
    let cli = server.cli().env("MLBENCH_RUN_ID", "1");
    cli.ok(&["runs", "start", "--name", "logged", "--command", "true", "--wait"]).await;
    let mut log = cli.spawn(&["log"]);
    write(&mut log, "Epoch 1\n{\"name\": \"loss\"}\nloss=1\n").await;
    let (code, stderr) = end(log).await;
    let lines = "mlbench: line 1: \"Epoch 1\": not a metric; write NAME=VALUE or a JSON object such as \
                 {\"name\": \"loss\", \"value\": 0.5}\n\
                 mlbench: line 2: value: missing; every metric needs one\n\
                 mlbench: 2 of 3 lines are no metrics; the others are stored\n";
    assert_eq!((code, stderr.as_str()), (1, lines));
    assert_eq!(cli.json(&["metrics", "--run", "1"]).await["loss"].as_array().unwrap().len(), 1);
    let mut log = cli.spawn(&["log", "--run", "9"]);
    write(&mut log, "loss=1\n").await;
    let (code, stderr) = end(log).await;
    assert!(code == 1 && stderr.contains("run 9 does not exist"), "{code}: {stderr}");
}

#[tokio::test]
async fn what_an_interrupted_program_wrote_last_is_stored() {
    let server = TestServer::start().await;
    let cli = server.cli();
    cli.ok(&["runs", "start", "--name", "logged", "--command", "true", "--wait"]).await;
    let mut log = cli.spawn(&["log", "--run", "1"]);
    write(&mut log, "loss=0.5\n").await;
    // A stored metric shows that the program handles signals.
    let stored = async || cli.json(&["metrics", "--run", "1"]).await["loss"].as_array().map_or(0, Vec::len);
    timeout(TIMEOUT, async { while stored().await < 1 {} }).await.unwrap();
    let pid = log.id().unwrap().to_string();
    assert!(tokio::process::Command::new("kill").args(["-INT", &pid]).status().await.unwrap().success());
    write(&mut log, "loss=0.25\n").await;
    let (code, stderr) = end(log).await;
    assert_eq!(code, 130, "{stderr}");
    assert_eq!(stored().await, 2);
}
