//! A run that is awaited, metrics that are watched, and errors: in a pipe and on a terminal of 80 columns.

use std::path::Path;
use std::process::Stdio;

use mlbench_tests::{TIMEOUT, Terminal, TestServer, binary, tools};
use rustix::process::Signal;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Starts a command line of the shell on a terminal of its own.
fn on_terminal(setsid: &Path, server: &TestServer, arguments: &str, env: &[(&str, &str)]) -> Terminal {
    let line = format!("exec '{}' {arguments}", binary("mlbench").display());
    let url = server.url();
    let env = [&[("MLBENCH_URL", url.as_str())], env].concat();
    Terminal::start(setsid, Path::new("/bin/sh"), &["-c", &line], &env)
}

/// Posts points of a run, one in a second.
async fn post(server: &TestServer, name: &str, values: &[f64]) {
    let series = json!([{
        "run_id": 1, "name": name, "value": values, "epoch": (1..=values.len()).collect::<Vec<_>>(),
        "date": (0..values.len()).map(|second| format!("2100-01-01T00:00:{second:02}Z")).collect::<Vec<_>>()
    }]);
    assert_eq!(server.post("/api/metrics/batch/", series.to_string()).await.status, 200);
}

#[tokio::test]
async fn an_awaited_run_is_shown_with_its_loss_and_its_accuracy() {
    let Some(setsid) = tools::setsid() else { return };
    let server = TestServer::start().await;
    let start = "runs start --name long --workers 1 --command 'sleep 1000' --wait -o json";
    let data = server.dir().join("data");
    let start = format!("{start} >'{}'", data.display());
    let mut terminal = on_terminal(&setsid, &server, &start, &[]);
    terminal.shows(&["run 1 \"long\"  STARTED  "]).await;
    assert!(terminal.has_colours());
    post(&server, "train_loss @ 0", &[2.0, 1.0, 0.5]).await;
    post(&server, "val_global_Prec@1 @ 0", &[50.0, 90.0, 94.5]).await;
    terminal.shows(&["epoch 3", "loss 0.5 ", "accuracy 94.5"]).await;
    terminal.resize(24, 40);
    terminal
        .shows_where("both lines in 40 columns", |screen| {
            let text = screen.contents();
            let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
            text.contains("loss 0.5") && lines.iter().all(|line| line.chars().count() < 40)
        })
        .await;
    terminal.resize(24, 80);
    server.cli().ok(&["runs", "stop", "1"]).await;
    terminal.shows(&["run 1 \"long\"  STOPPED  ", r#""message":"run 1 (\"long\") STOPPED""#]).await;
    assert_eq!(terminal.ends().await, 6);
    let run: serde_json::Value = serde_json::from_slice(&std::fs::read(data).unwrap()).unwrap();
    assert_eq!(run["state"], "STOPPED", "only data is in the output");
}

#[tokio::test]
async fn an_interrupted_wait_leaves_the_run_and_says_so() {
    let Some(setsid) = tools::setsid() else { return };
    let server = TestServer::start().await;
    server.cli().ok(&["runs", "start", "--name", "long", "--command", "sleep 600"]).await;
    let data = server.dir().join("data");
    let mut terminal = on_terminal(&setsid, &server, &format!("runs wait long >'{}'", data.display()), &[]);
    terminal.shows(&["run 1 \"long\"  STARTED"]).await;
    terminal.press("\u{3}");
    terminal
        .shows(&["mlbench: interrupted; run 1 (\"long\") goes on; stop it with `mlbench runs stop 1`"])
        .await;
    assert_eq!((terminal.ends().await, std::fs::read(data).unwrap().len()), (130, 0));
    for (variable, value) in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let mut terminal = on_terminal(&setsid, &server, "runs wait long", &[(variable, value)]);
        terminal.shows(&["run 1", "STARTED"]).await;
        assert!(!terminal.has_colours(), "{variable}");
        let is_line = terminal.contents().contains("run 1 (\"long\") STARTED after ");
        assert_eq!(is_line, variable == "TERM", "{}", terminal.contents());
        terminal.signal(Signal::TERM);
        assert_eq!(terminal.ends().await, 143);
    }
}

#[tokio::test]
async fn a_followed_run_prints_its_output_above_what_is_shown() {
    let Some(setsid) = tools::setsid() else { return };
    let server = TestServer::start().await;
    let command = server.script("[ $RANK = 0 ] || exit 0\necho begin\necho end\nexit 3\n");
    let start = ["runs", "start", "--name", "short", "--workers", "1", "--command", &command, "--follow"];
    let piped = server.cli().run(&start).await;
    assert_eq!((piped.code, piped.stdout.as_str()), (6, "[0] begin\n[0] end\n"), "{piped:?}");
    assert!(
        piped.stderr.ends_with("mlbench: run 1 (\"short\") FAILED: rank 0 exited with code 3\n"),
        "{piped:?}"
    );
    let line = format!("runs start --name again --workers 1 --command '{command}' --follow");
    let mut terminal = on_terminal(&setsid, &server, &line, &[]);
    terminal.shows(&["run 2 \"again\"  FAILED", "exited with code 3", "[0] begin\n[0] end\n"]).await;
    assert_eq!(terminal.ends().await, 6);
    let refused = server.cli().run(&["runs", "start", "--name", "x", "--follow", "-o", "json"]).await;
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("--output: no effect with --follow\","), "{refused:?}");
}

#[tokio::test]
async fn a_pipe_gets_a_line_for_each_state_and_one_for_an_outage() {
    let mut server = TestServer::start().await;
    server.cli().ok(&["runs", "start", "--name", "long", "--command", "sleep 600"]).await;
    let mut child = server.cli().spawn(&["runs", "wait", "long", "--for", "stopped"]);
    let mut messages = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = messages.next_line().await.unwrap().unwrap();
    assert!(first.starts_with("run 1 (\"long\") STARTED after ") && first.ends_with('s'), "{first}");
    server.kill9().await;
    let away = messages.next_line().await.unwrap().unwrap();
    assert!(away.starts_with("retrying until the server responds: "), "{away}");
    server.restart().await;
    server.cli().ok(&["runs", "stop", "long"]).await;
    assert_eq!(ended(&mut child).await, 0);
    assert_eq!(messages.next_line().await.unwrap(), None, "the outage is said once");
}

async fn ended(child: &mut Child) -> i32 {
    timeout(TIMEOUT, child.wait()).await.expect("it ends in time").unwrap().code().unwrap_or(-1)
}

#[tokio::test]
async fn watched_metrics_begin_with_the_newest_and_go_on_with_each_point() {
    let Some(setsid) = tools::setsid() else { return };
    let server = TestServer::start().await;
    assert_eq!(server.post("/api/runs/", r#"{"name": "away", "external": true}"#).await.status, 200);
    post(&server, "loss @ 0", &[2.0, 1.0]).await;
    let mut command = Command::new(binary("mlbench"));
    command.args(["metrics", "--run", "away", "--watch", "-o", "csv"]).env("MLBENCH_URL", server.url());
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut line = async || timeout(TIMEOUT, lines.next_line()).await.unwrap().unwrap();
    assert_eq!(line().await.as_deref(), Some("metric,date,value"));
    assert_eq!(line().await.as_deref(), Some("loss @ 0,2100-01-01T00:00:01.000000Z,1.0"), "the newest only");
    let mut terminal = on_terminal(&setsid, &server, "metrics --run away --watch", &[]);
    terminal.shows(&["metric    date", "loss @ 0", "  1.0"]).await;
    post(&server, "acc @ 0", &[90.0, 95.0]).await;
    for value in ["90.0", "95.0"] {
        assert!(line().await.unwrap().ends_with(&format!("Z,{value}")), "every point");
    }
    terminal.shows(&["acc @ 0", "95", "loss @ 0"]).await;
    let patch = server.request("PATCH", "/api/runs/1/").body("application/json", r#"{"state": "FINISHED"}"#);
    assert_eq!(patch.send().await.status, 200);
    assert_eq!((line().await, ended(&mut child).await), (None, 0), "it ends with the run");
    assert_eq!(terminal.ends().await, 0);
}

#[tokio::test]
async fn an_error_of_the_server_has_its_request_id_and_what_to_try() {
    let server = TestServer::start().await;
    let cli = server.cli();
    cli.ok(&["runs", "record", "--name", "first", "--", "true"]).await;
    let missing = cli.run(&["runs", "logs", "id:7"]).await;
    assert_eq!((missing.code, missing.stdout.as_str()), (3, ""));
    let begin = "mlbench: run 7 does not exist; `mlbench runs list` shows all runs (request id ";
    assert!(missing.stderr.starts_with(begin) && missing.stderr.ends_with(")\n"), "{missing:?}");
    for (name, hint) in [("frist", "did you mean \"first\"?"), ("7", "there are \"first\"")] {
        let unknown = cli.run(&["runs", "show", name]).await;
        let message = format!("mlbench: run \"{name}\": not found; {hint}\n");
        assert_eq!((unknown.code, unknown.stderr), (3, message));
    }
}

#[tokio::test]
async fn a_url_with_a_password_is_refused_without_printing_it() {
    let cli = mlbench_tests::Cli::new("http://me:secret@127.0.0.1:1");
    for arguments in [&["pods"][..], &["runs", "wait", "1", "--timeout", "0"], &["runs", "list", "--watch"]] {
        let away = cli.run(arguments).await;
        assert_eq!(away.code, 2, "{away:?}");
        assert!(away.stderr.contains("MLBENCH_URL") && !away.stderr.contains("secret"), "{away:?}");
    }
}
