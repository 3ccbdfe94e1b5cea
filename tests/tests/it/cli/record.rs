//! `mlbench runs record`.

use std::process::ExitStatus;

use mlbench_client::{MetricsQuery, Owner, RunId};
use mlbench_tests::{ServerOptions, TIMEOUT, TestServer, binary, eventually};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout};
use tokio::time::timeout;

/// Starts the recording of a script that writes a line first, and reads that line.
async fn recording(server: &TestServer, script: &str) -> (Child, BufReader<ChildStdout>) {
    let script = server.script(script);
    let words: Vec<&str> = script.splitn(2, ' ').collect();
    let file = words[1].trim_matches('\'');
    let mut child = server.cli().spawn(&["runs", "record", "--name", "here", "--", "sh", file]);
    drop(child.stdin.take());
    let (mut stdout, mut line) = (BufReader::new(child.stdout.take().unwrap()), String::new());
    timeout(TIMEOUT, stdout.read_line(&mut line)).await.unwrap().unwrap();
    assert_eq!(line, "ready\n");
    (child, stdout)
}

async fn end(child: &mut Child, stdout: &mut BufReader<ChildStdout>) -> (ExitStatus, String, String) {
    let (mut rest, mut messages) = (String::new(), String::new());
    let mut stderr = child.stderr.take().unwrap();
    let read = async {
        stdout.read_to_string(&mut rest).await.unwrap();
        stderr.read_to_string(&mut messages).await.unwrap();
    };
    timeout(TIMEOUT, read).await.unwrap();
    (timeout(TIMEOUT, child.wait()).await.unwrap().unwrap(), rest, messages)
}

#[tokio::test]
async fn a_command_keeps_its_output_and_its_exit_code() {
    let server = TestServer::start().await;
    let cli = server.cli();
    let script =
        r#"echo "out $RANK of $WORLD_SIZE in run $MLBENCH_RUN_ID"; echo err >&2; printf end; exit 3"#;
    let labels = ["--param", "lr=0.1", "--tag", "team=vision"];
    let words = [&["runs", "record", "--name", "here"], &labels[..], &["--", "sh", "-c", script]].concat();
    let recorded = cli.run(&words).await;
    assert_eq!((recorded.code, recorded.stdout.as_str()), (3, "out 0 of 1 in run 1\nend"));
    assert_eq!(recorded.stderr, "err\n");
    let run = server.get("/api/runs/1/").await.json();
    assert_eq!((&run["state"], &run["external"]), (&"FAILED".into(), &true.into()));
    let job = &run["job_metadata"];
    assert_eq!(
        (&job["reason"], &job["exit_codes"]["0"]),
        (&"the command exited with code 3".into(), &3.into())
    );
    assert_eq!(job["stdout"], serde_json::json!(["[0] out 0 of 1 in run 1", "[0] end"]));
    assert_eq!(job["stderr"], serde_json::json!(["[0] err"]));
    assert!(job["command"].as_str().unwrap().starts_with("sh -c 'echo "), "{job}");
    assert_eq!((&run["params"]["lr"], &run["tags"]["team"]), (&0.1.into(), &"vision".into()));

    let ok = cli.run(&["runs", "record", "--name", "here", "--", "true"]).await;
    assert_eq!((ok.code, ok.stdout.as_str(), ok.stderr.as_str()), (0, "", ""));
    assert_eq!(server.get("/api/runs/2/").await.json()["state"], "FINISHED");
    let missing = cli.run(&["runs", "record", "--name", "here", "--", "/no/such/program"]).await;
    assert_eq!(missing.code, 127, "{missing:?}");
    assert_eq!(server.get("/api/runs/3/").await.json()["state"], "FAILED");
}

#[tokio::test]
async fn a_command_has_a_token_that_reports_to_its_run_only() {
    let server = ServerOptions::default().token("correct-horse-battery-staple").start().await;
    let mlbench = binary("mlbench");
    let script = format!(
        "'{0}' metrics post --run $MLBENCH_RUN_ID --name loss --value 0.5 || exit 9\n\
         '{0}' runs list 2>&1 && exit 8\nenv | grep -c horse\necho $MLBENCH_TOKEN\nexit 0\n",
        mlbench.display()
    );
    let recorded = server.cli().run(&["runs", "record", "--name", "here", "--", "sh", "-c", &script]).await;
    assert_eq!(recorded.code, 0, "{recorded:?}");
    let lines: Vec<&str> = recorded.stdout.lines().collect();
    assert!(recorded.stdout.contains("token: belongs to run 1"), "{recorded:?}");
    let [.., count, token] = lines[..] else { panic!("{recorded:?}") };
    assert_eq!((count, token.len()), ("0", 64), "{recorded:?}");
    let (client, owner) = (server.client(), Owner::Run(RunId::new(1).unwrap()));
    let points = client.metrics().get(&owner, &MetricsQuery::default()).await.unwrap();
    assert_eq!(points["loss"][0].value.as_str(), "0.5");
    let late = server.cli().env("MLBENCH_TOKEN", token);
    let late = late.run(&["metrics", "post", "--run", "1", "--name", "loss", "--value", "1"]).await;
    assert!(late.code != 0 && late.stderr.contains("token: not accepted"), "{late:?}");
}

#[tokio::test]
async fn a_signal_is_passed_on_and_the_command_decides() {
    let server = TestServer::start().await;
    let script = "trap 'echo bye; exit 5' TERM\necho ready\nwhile :; do sleep 0.1; done\n";
    let (mut child, mut stdout) = recording(&server, script).await;
    let pid = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    let (status, rest, messages) = end(&mut child, &mut stdout).await;
    assert_eq!((status.code(), rest.as_str(), messages.as_str()), (Some(5), "bye\n", ""));
    let run = server.get("/api/runs/1/").await.json();
    assert_eq!((&run["state"], &run["job_metadata"]["exit_codes"]["0"]), (&"STOPPED".into(), &5.into()));
}

#[tokio::test]
async fn what_a_command_writes_while_the_server_is_away_is_stored_later() {
    let mut server = TestServer::start().await;
    let (go, done) = (server.dir().join("go"), server.dir().join("done"));
    let script = format!(
        "echo ready\nwhile ! test -e '{}'; do sleep 0.05; done\nfor i in 1 2 3; do echo \"line $i\"; done\n\
         touch '{}'\nexit 0\n",
        go.display(),
        done.display()
    );
    let (mut child, mut stdout) = recording(&server, &script).await;
    server.kill9().await;
    std::fs::write(&go, "").unwrap();
    eventually("the command has written its lines", TIMEOUT, async || done.exists().then_some(())).await;
    server.restart().await;
    let (status, rest, messages) = end(&mut child, &mut stdout).await;
    assert_eq!((status.code(), rest.as_str()), (Some(0), "line 1\nline 2\nline 3\n"), "{messages}");
    let run = server.get("/api/runs/1/").await.json();
    assert_eq!(run["state"], "FINISHED", "{messages}");
    let expected = serde_json::json!(["[0] ready", "[0] line 1", "[0] line 2", "[0] line 3"]);
    assert_eq!(run["job_metadata"]["stdout"], expected);
}

#[tokio::test]
async fn a_run_that_ended_on_the_server_does_not_disturb_its_command() {
    let server = TestServer::start().await;
    let go = server.dir().join("go");
    let script =
        format!("echo ready\nwhile ! test -e '{}'; do sleep 0.05; done\necho last\nexit 4\n", go.display());
    let (mut child, mut stdout) = recording(&server, &script).await;
    server.cli().ok(&["runs", "stop", "1"]).await;
    std::fs::write(&go, "").unwrap();
    let (status, rest, messages) = end(&mut child, &mut stdout).await;
    assert_eq!((status.code(), rest.as_str()), (Some(4), "last\n"));
    assert!(messages.contains("run 1 has ended (STOPPED)"), "{messages}");
    assert_eq!(server.get("/api/runs/1/").await.json()["state"], "STOPPED");
}

#[tokio::test]
async fn a_silent_external_run_fails_with_the_reason() {
    let mut server = TestServer::start().await;
    let run = server.external_run("silent").await;
    server.kill9().await;
    server.reconfigure(|options| options.args(&["--external-timeout", "400ms"]));
    server.restart().await;
    let ended = server.wait(run).await;
    assert_eq!(ended.state, mlbench_client::RunState::Failed);
    let reason = ended.job_metadata.reason.unwrap();
    assert_eq!(reason, "no sign of life within 400 ms (--external-timeout)");
}
