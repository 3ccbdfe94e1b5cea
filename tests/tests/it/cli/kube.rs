//! `--kube`, with a kubectl that is played.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use mlbench_tests::{Cli, PATIENCE, TestServer, eventually};

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
