//! `--kube`, with a fake kubectl.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use mlbench_tests::{Cli, TIMEOUT, TestServer, binary, eventually, run_program};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

const POD: &str = r#"{"metadata":{"name":"the-server"},"spec":{"containers":[{"ports":[{"name":"http","containerPort":8000}]}]}}"#;

/// Returns a command line with a fake kubectl, which lists these pods and forwards to `server`.
///
/// The fake appends its arguments to the file `calls`.
fn with_kubectl(server: &TestServer, pods: &str) -> Cli {
    let forward = format!("echo 'Forwarding from {} -> 8000'; exec sleep 1000", server.address());
    with_forward(server, pods, &forward)
}

/// Returns a command line with a fake kubectl, whose port-forward is this shell script.
fn with_forward(server: &TestServer, pods: &str, forward: &str) -> Cli {
    let script = format!(
        "#!/bin/sh\necho \"$*\" >>'{calls}'\ncase $* in\n*'get pods'*) echo '{{\"items\":[{pods}]}}' ;;\n\
         *port-forward*) echo $$ >'{pid}'; {forward} ;;\nesac\n",
        calls = server.dir().join("calls").display(),
        pid = server.dir().join("pid").display(),
    );
    let file = server.dir().join("kubectl");
    fs::write(&file, script).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", server.dir().display(), std::env::var("PATH").unwrap());
    Cli::new("http://127.0.0.1:1").env("PATH", &path)
}

#[tokio::test]
async fn kube_uses_a_port_forward_that_ends_with_the_command() {
    let server = TestServer::start().await;
    let cli = with_kubectl(&server, POD);
    let pods = cli.ok(&["pods", "--kube", "--kube-namespace", "lab", "--kube-release", "r1"]).await;
    assert!(pods.contains("local-mlbench-worker-1"), "{pods}");
    let calls = fs::read_to_string(server.dir().join("calls")).unwrap();
    assert!(
        calls.contains("--namespace lab get pods --selector app=mlbench,component=master,release=r1"),
        "{calls}"
    );
    assert!(
        calls.contains("--namespace lab port-forward --address 127.0.0.1 pod/the-server :8000"),
        "{calls}"
    );
    let pid = fs::read_to_string(server.dir().join("pid")).unwrap();
    is_gone(&pid).await;
}

/// Waits until the process has ended.
async fn is_gone(pid: &str) {
    let process = Path::new("/proc").join(pid.trim()).join("cmdline");
    eventually("kubectl has exited", TIMEOUT, async || {
        fs::read(&process).map_or(Some(()), |line| line.is_empty().then_some(()))
    })
    .await;
}

#[tokio::test]
async fn a_missing_server_or_kubectl_is_reported() {
    let server = TestServer::start().await;
    let nothing = with_kubectl(&server, "").run(&["pods", "--kube"]).await;
    assert_eq!(nothing.code, 7, "{nothing:?}");
    assert!(nothing.stderr.contains("no server runs in"), "{nothing:?}");
    let two = with_kubectl(&server, &format!("{POD},{POD}")).run(&["pods", "--kube"]).await;
    assert!(two.stderr.contains("--kube-release"), "{two:?}");
    let without = Cli::new(&server.url()).env("PATH", "/nowhere").run(&["pods", "--kube"]).await;
    assert_eq!((without.code, without.stdout.as_str()), (7, ""), "{without:?}");
    assert!(without.stderr.contains("kubectl is not on PATH"), "{without:?}");
    let alone = Cli::new(&server.url()).run(&["pods", "--kube-namespace", "lab"]).await;
    assert_eq!(alone.code, 2, "{alone:?}");
}

/// Starts `mlbench --kube runs wait 1` and returns it when it waits.
async fn waiting(server: &TestServer) -> (Child, Lines<BufReader<ChildStderr>>) {
    let path = format!("{}:{}", server.dir().display(), std::env::var("PATH").unwrap());
    let mut command = Command::new(binary("mlbench"));
    command.args(["--kube", "runs", "wait", "1"]).env("PATH", path).env_remove("MLBENCH_URL");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut messages = BufReader::new(child.stderr.take().unwrap()).lines();
    let message = messages.next_line().await.unwrap().unwrap();
    assert!(message.contains("STARTED"), "{message}");
    (child, messages)
}

async fn ended(child: &mut Child) -> ExitStatus {
    tokio::time::timeout(TIMEOUT, child.wait()).await.expect("it ends in time").unwrap()
}

#[tokio::test]
async fn a_port_forward_ends_with_a_command_that_is_killed() {
    let server = TestServer::start().await;
    server.cli().ok(&["runs", "start", "--name", "long", "--command", "sleep 1000"]).await;
    with_kubectl(&server, POD);
    for signal in ["-TERM", "-INT", "-KILL"] {
        let (mut child, _messages) = waiting(&server).await;
        let kubectl = fs::read_to_string(server.dir().join("pid")).unwrap();
        run_program(Path::new("kill"), &[signal, &child.id().unwrap().to_string()]).await;
        ended(&mut child).await;
        is_gone(&kubectl).await;
    }
}

#[tokio::test]
async fn waiting_goes_on_with_the_next_pod_of_the_server() {
    let mut server = TestServer::start().await;
    server.cli().ok(&["runs", "start", "--name", "long", "--command", "sleep 1000"]).await;
    with_kubectl(&server, POD);
    let (mut child, _messages) = waiting(&server).await;
    // The first kubectl keeps its port open, as it does when the pod is gone.
    let first = fs::read_to_string(server.dir().join("pid")).unwrap();
    with_kubectl(&server, &POD.replace("the-server", "the-next"));
    server.kill9().await;
    is_gone(&first).await;
    let next = format!("pod/the-next {}:8000", server.address().port());
    eventually("the port-forward leads to the next pod", TIMEOUT, async || {
        fs::read_to_string(server.dir().join("calls")).unwrap().contains(&next).then_some(())
    })
    .await;
    server.restart().await;
    server.cli().ok(&["runs", "stop", "1"]).await;
    assert_eq!(ended(&mut child).await.code(), Some(6));
}

/// Writes a mebibyte of warnings.
const WARNINGS: &str = "yes 'W1128 a warning that repeats' | head -c 1048576 >&2";

#[tokio::test]
async fn a_kubectl_with_many_warnings_forwards_before_and_after_them() {
    let server = TestServer::start().await;
    server.cli().ok(&["runs", "start", "--name", "long", "--command", "sleep 1000"]).await;
    let forwarding = format!("echo 'Forwarding from {} -> 8000'", server.address());
    let warned = server.dir().join("warned");
    let forward = format!("{WARNINGS}; {forwarding}; {WARNINGS}; : >'{}'; exec sleep 1000", warned.display());
    with_forward(&server, POD, &forward);
    let (mut child, _messages) = waiting(&server).await;
    eventually("kubectl goes on", TIMEOUT, async || warned.exists().then_some(())).await;
    server.cli().ok(&["runs", "stop", "1"]).await;
    assert_eq!(ended(&mut child).await.code(), Some(6));
}

#[tokio::test]
async fn the_last_messages_of_kubectl_say_why_it_failed() {
    let server = TestServer::start().await;
    let forward = format!("{WARNINGS}; echo; echo 'error: the pod is gone' >&2; exit 1");
    let failed = with_forward(&server, POD, &forward).run(&["pods", "--kube"]).await;
    assert_eq!(failed.code, 7, "{failed:?}");
    assert!(failed.stderr.contains("kubectl port-forward: W1128 a warning that repeats\n"), "{failed:?}");
    assert!(failed.stderr.contains("error: the pod is gone") && failed.stderr.len() < 1_500, "{failed:?}");
}
