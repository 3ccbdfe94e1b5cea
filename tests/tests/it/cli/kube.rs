//! `--kube`, with a kubectl that is played.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use mlbench_tests::{Cli, PATIENCE, TestServer, binary, eventually, run_program};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

const POD: &str = r#"{"metadata":{"name":"the-server"},"spec":{"containers":[{"ports":[{"name":"http","containerPort":8000}]}]}}"#;

/// A kubectl that knows these pods, and whose port-forward leads to `server`. What it is asked stands in `asked`.
fn kubectl(server: &TestServer, pods: &str) -> Cli {
    let script = format!(
        "#!/bin/sh\necho \"$*\" >>'{asked}'\ncase $* in\n*'get pods'*) echo '{{\"items\":[{pods}]}}' ;;\n\
         *port-forward*) echo $$ >'{pid}'; echo 'Forwarding from {address} -> 8000'; exec sleep 1000 ;;\nesac\n",
        asked = server.dir().join("asked").display(),
        address = server.address(),
        pid = server.dir().join("pid").display(),
    );
    let file = server.dir().join("kubectl");
    fs::write(&file, script).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", server.dir().display(), std::env::var("PATH").unwrap());
    Cli::new("http://127.0.0.1:1").env("PATH", &path)
}

#[tokio::test]
async fn a_server_in_a_cluster_is_reached_by_a_port_forward_that_ends_with_the_command() {
    let server = TestServer::start().await;
    let cli = kubectl(&server, POD);
    let pods = cli.ok(&["pods", "--kube", "--kube-namespace", "lab", "--kube-release", "r1"]).await;
    assert!(pods.contains("local-mlbench-worker-1"), "{pods}");
    let asked = fs::read_to_string(server.dir().join("asked")).unwrap();
    assert!(
        asked.contains("--namespace lab get pods --selector app=mlbench,component=master,release=r1"),
        "{asked}"
    );
    assert!(
        asked.contains("--namespace lab port-forward --address 127.0.0.1 pod/the-server :8000"),
        "{asked}"
    );
    let pid = fs::read_to_string(server.dir().join("pid")).unwrap();
    is_gone(&pid).await;
}

/// Waits until the process has ended.
async fn is_gone(pid: &str) {
    let process = Path::new("/proc").join(pid.trim()).join("cmdline");
    eventually("kubectl is gone", PATIENCE, async || {
        fs::read(&process).map_or(Some(()), |line| line.is_empty().then_some(()))
    })
    .await;
}

#[tokio::test]
async fn without_a_server_or_without_kubectl_the_command_says_so() {
    let server = TestServer::start().await;
    let nothing = kubectl(&server, "").run(&["pods", "--kube"]).await;
    assert_eq!(nothing.code, 7, "{nothing:?}");
    assert!(nothing.stderr.contains("no server runs in"), "{nothing:?}");
    let two = kubectl(&server, &format!("{POD},{POD}")).run(&["pods", "--kube"]).await;
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
    tokio::time::timeout(PATIENCE, child.wait()).await.expect("it ends in time").unwrap()
}

#[tokio::test]
async fn a_port_forward_ends_with_a_command_that_is_killed() {
    let server = TestServer::start().await;
    server.cli().ok(&["runs", "start", "--name", "long", "--command", "sleep 1000"]).await;
    kubectl(&server, POD);
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
    kubectl(&server, POD);
    let (mut child, _messages) = waiting(&server).await;
    // The first kubectl keeps its port open, as it does when the pod is gone.
    let first = fs::read_to_string(server.dir().join("pid")).unwrap();
    kubectl(&server, &POD.replace("the-server", "the-next"));
    server.kill9().await;
    is_gone(&first).await;
    let next = format!("pod/the-next {}:8000", server.address().port());
    eventually("the port-forward leads to the next pod", PATIENCE, async || {
        fs::read_to_string(server.dir().join("asked")).unwrap().contains(&next).then_some(())
    })
    .await;
    server.restart().await;
    server.cli().ok(&["runs", "stop", "1"]).await;
    assert_eq!(ended(&mut child).await.code(), Some(6));
}
