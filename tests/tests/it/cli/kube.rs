//! `--kube`, with a fake kubectl.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use mlbench_tests::{Cli, TIMEOUT, TestServer, eventually};

const POD: &str = r#"{"metadata":{"name":"the-server"},"spec":{"containers":[{"ports":[{"name":"http","containerPort":8000}]}]}}"#;

/// Returns a command line with a fake kubectl, which lists these pods and forwards to `server`.
///
/// The fake appends its arguments to the file `calls`.
fn with_kubectl(server: &TestServer, pods: &str) -> Cli {
    let script = format!(
        "#!/bin/sh\necho \"$*\" >>'{calls}'\ncase $* in\n*'get pods'*) echo '{{\"items\":[{pods}]}}' ;;\n\
         *port-forward*) echo $$ >'{pid}'; echo 'Forwarding from {address} -> 8000'; exec sleep 1000 ;;\nesac\n",
        calls = server.dir().join("calls").display(),
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
