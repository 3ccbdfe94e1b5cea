use std::collections::BTreeSet;

use mlbench_tests::{TIMEOUT, TestServer, eventually};
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

/// Returns the steps of a metric in the order in which the server has them, with a check of their values.
async fn stored_steps(server: &TestServer, run: u64) -> Vec<u64> {
    let path = format!("/api/metrics/{run}/?metric_type=run&fields=step,value");
    let points = server.get(&path).await.json();
    let points = points["loss"].as_array().cloned().unwrap_or_default();
    let steps = points.iter().map(|point| {
        assert_eq!(point["value"].as_str(), Some(point["step"].to_string().as_str()), "{point}");
        point["step"].as_u64().unwrap()
    });
    let mut steps: Vec<u64> = steps.collect();
    steps.sort_unstable();
    steps
}

fn lines(steps: std::ops::Range<u64>) -> String {
    steps.map(|step| format!("{{\"name\": \"loss\", \"value\": {step}, \"step\": {step}}}\n")).collect()
}

/// Returns the number of bytes that wait in a spool.
fn spooled_bytes(spool: &std::path::Path) -> u64 {
    let files = std::fs::read_dir(spool).into_iter().flatten().map(|entry| entry.unwrap().path());
    let segments = files.filter(|path| path.extension().is_some_and(|extension| extension == "spool"));
    segments.map(|path| std::fs::metadata(path).map_or(0, |file| file.len())).sum()
}

/// Returns the steps of all complete batches in a spool.
fn spooled_steps(spool: &std::path::Path) -> Vec<u64> {
    let files = std::fs::read_dir(spool).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
    let text: String = files.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect();
    let columns = text.split("\"step\":[").skip(1).filter_map(|rest| rest.split_once("]}]"));
    columns.flat_map(|(steps, _)| steps.split(',').map(|step| step.parse().unwrap())).collect()
}

async fn kill9(mut child: Child) {
    child.kill().await.unwrap();
}

#[tokio::test]
async fn every_spooled_metric_is_stored_once_when_both_sides_are_killed() {
    let mut server = TestServer::start().await;
    let (cli, spool) = (server.cli(), server.dir().join("spool"));
    cli.ok(&["runs", "start", "--name", "logged", "--command", "true", "--wait"]).await;
    let args = ["log", "--run", "1", "--spool", spool.to_str().unwrap()];
    let (mut next, mut spooled) = (0, BTreeSet::new());
    for round in 0..4 {
        let mut log = cli.spawn(&args);
        write(&mut log, &lines(next..next + 2_000)).await;
        if round % 2 == 1 {
            // The server is killed while the program sends what the round before has left, or soon after.
            let stored = async || !stored_steps(&server, 1).await.is_empty();
            timeout(TIMEOUT, async { while !stored().await {} }).await.unwrap();
        }
        server.kill9().await;
        write(&mut log, &lines(next + 2_000..next + 4_000)).await;
        next += 4_000;
        eventually("a batch of this round is in the spool", TIMEOUT, async || {
            spooled_steps(&spool).into_iter().any(|step| step >= next - 2_000).then_some(())
        })
        .await;
        kill9(log).await;
        spooled.extend(spooled_steps(&spool));
        server.restart().await;
    }
    let (code, stderr) = end(cli.spawn(&args)).await;
    // The program may have been killed while it wrote a batch.
    assert!(code == 0 && (stderr.is_empty() || stderr.contains("damaged bytes")), "{code}: {stderr}");
    assert_eq!(spooled_bytes(&spool), 0);
    let stored = stored_steps(&server, 1).await;
    assert!(stored.windows(2).all(|pair| pair[0] < pair[1]), "a metric was stored twice");
    let stored: BTreeSet<u64> = stored.into_iter().collect();
    let lost: Vec<&u64> = spooled.difference(&stored).collect();
    assert!(lost.is_empty() && spooled.len() >= 4, "{lost:?} of {}", spooled.len());
}

#[tokio::test]
async fn what_a_spool_held_when_the_program_was_killed_is_stored() {
    let mut server = TestServer::start().await;
    let (cli, spool) = (server.cli(), server.dir().join("spool"));
    cli.ok(&["runs", "start", "--name", "logged", "--command", "true", "--wait"]).await;
    let args = ["log", "--run", "1", "--spool", spool.to_str().unwrap()];
    server.kill9().await;
    let mut log = cli.spawn(&args);
    let mut size = 0;
    for round in 0..5 {
        write(&mut log, &lines(round * 100..(round + 1) * 100)).await;
        // Each round waits for the one before, so that all 500 are there at the end.
        eventually("the metrics are in the spool", TIMEOUT, async || {
            (spooled_bytes(&spool) > size + 2_500).then_some(())
        })
        .await;
        size = spooled_bytes(&spool);
    }
    let (code, stderr) = {
        let second = cli.spawn(&args);
        end(second).await
    };
    assert_eq!(code, 1, "{stderr}");
    assert!(
        stderr.ends_with(": another logger uses it; give each logger a directory of its own\n"),
        "{stderr}"
    );
    kill9(log).await;
    server.restart().await;
    assert_eq!(end(cli.spawn(&args)).await, (0, String::new()));
    assert_eq!(stored_steps(&server, 1).await, (0..500).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_log_with_a_spool_ends_well_while_the_server_is_away() {
    let mut server = TestServer::start().await;
    let (cli, spool) = (server.cli(), server.dir().join("spool"));
    cli.ok(&["runs", "start", "--name", "logged", "--command", "true", "--wait"]).await;
    server.kill9().await;
    let mut args = vec!["log", "--run", "1", "--spool", spool.to_str().unwrap()];
    let mut log = cli.spawn(&args);
    write(&mut log, "loss=0.5\nloss=0.25\n").await;
    let waiting = format!(
        "mlbench: 2 metrics wait in {} for the next `mlbench log --spool`, because the server does not take metrics: \
         cannot connect to {}: ",
        spool.display(),
        server.url()
    );
    let (code, stderr) = end(log).await;
    assert!(code == 0 && stderr.starts_with(&waiting), "{code}: {stderr}");
    // A full spool never holds the input up.
    args.extend(["--spool-limit", "0"]);
    let mut log = cli.spawn(&args);
    write(&mut log, &lines(0..120_000)).await;
    let (code, stderr) = end(log).await;
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("recorded metrics were lost; first error: metric queue: full with"), "{stderr}");
    assert!(stderr.contains(" metrics lost, because the spool is full\n"), "{stderr}");
    server.restart().await;
    assert_eq!(end(cli.spawn(&args)).await, (0, String::new()));
    assert!(stored_values(&server).await >= 2);
}

/// Returns the number of values of the metric.
async fn stored_values(server: &TestServer) -> usize {
    let points = server.get("/api/metrics/1/?metric_type=run").await.json();
    points["loss"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn what_is_damaged_in_a_spool_is_named_and_the_rest_is_stored() {
    let mut server = TestServer::start().await;
    let (cli, spool) = (server.cli(), server.dir().join("spool"));
    cli.ok(&["runs", "start", "--name", "logged", "--command", "true", "--wait"]).await;
    server.kill9().await;
    let args = ["log", "--run", "1", "--spool", spool.to_str().unwrap()];
    for value in ["loss=0.5\n", "loss=0.25\nloss=0.125\n"] {
        let mut log = cli.spawn(&args);
        write(&mut log, value).await;
        assert_eq!(end(log).await.0, 0);
    }
    let file = spool.join("000000000000.spool");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    server.restart().await;
    let (code, stderr) = end(cli.spawn(&args)).await;
    let place = " damaged bytes with 1 metric at byte 0 of 000000000000.spool; all else is sent\n";
    assert!(
        code == 0 && stderr.starts_with("mlbench: 1 recorded metric was lost; first error: spool "),
        "{stderr}"
    );
    assert!(stderr.ends_with(place) && stderr.lines().count() == 1, "{stderr}");
    assert_eq!(stored_values(&server).await, 2);
}
