//! [`PortForward`]: reaches a server in Kubernetes through `kubectl port-forward`.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::args::KubeArgs;
use crate::failure::Failure;

/// How long kubectl may take to find the server and to forward a port.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A local port that leads to the server until this value is dropped.
pub(super) struct PortForward {
    kubectl: Child,
    output: Lines<BufReader<ChildStdout>>,
    url: String,
}

/// The pod of a server.
#[derive(Debug, PartialEq, Eq)]
struct ServerPod {
    name: String,
    port: u64,
}

impl PortForward {
    /// Finds the server and opens the port-forward.
    pub(super) async fn open(args: &KubeArgs) -> Result<Self, Failure> {
        let opened = tokio::time::timeout(TIMEOUT, async {
            let pod = only_server(parse_pods(&list_pods(args).await?)?, args)?;
            Self::to_pod(&pod, args).await
        });
        opened.await.unwrap_or_else(|_| {
            let seconds = TIMEOUT.as_secs();
            Err(failed(format!("--kube: kubectl did not reach the cluster within {seconds} s")))
        })
    }

    async fn to_pod(pod: &ServerPod, args: &KubeArgs) -> Result<Self, Failure> {
        let mut command = kubectl(args);
        command.args(["port-forward", "--address", "127.0.0.1"]);
        command.arg(format!("pod/{}", pod.name)).arg(format!(":{}", pod.port));
        let mut kubectl = command.spawn().map_err(|error| spawn_failure(&error))?;
        let stdout = kubectl.stdout.take().ok_or_else(|| failed("kubectl: no standard output".to_owned()))?;
        let mut output = BufReader::new(stdout).lines();
        while let Some(line) = output.next_line().await? {
            if let Some(address) = forwarded_address(&line) {
                return Ok(Self { kubectl, output, url: format!("http://{address}") });
            }
        }
        Err(failed(format!("kubectl port-forward: {}", error_output(&mut kubectl).await)))
    }

    /// Returns the local URL of the server.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Completes with the failure when the port-forward closes. Until then it discards kubectl's output.
    pub(super) async fn closed(&mut self) -> Failure {
        while let Ok(Some(_)) = self.output.next_line().await {}
        let reason = error_output(&mut self.kubectl).await;
        failed(format!("kubectl port-forward: connection closed: {reason}"))
    }
}

fn kubectl(args: &KubeArgs) -> Command {
    let mut command = Command::new("kubectl");
    for (flag, value) in [("--context", &args.kube_context), ("--namespace", &args.kube_namespace)] {
        if let Some(value) = value {
            command.arg(flag).arg(value);
        }
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

async fn list_pods(args: &KubeArgs) -> Result<Vec<u8>, Failure> {
    let mut labels = "app=mlbench,component=master".to_owned();
    if let Some(release) = &args.kube_release {
        labels.push_str(&format!(",release={release}"));
    }
    let mut command = kubectl(args);
    command.args(["get", "pods", "--selector", &labels]);
    command.args(["--field-selector", "status.phase=Running", "--output", "json"]);
    let output = command.output().await.map_err(|error| spawn_failure(&error))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(failed(format!("kubectl get pods: {}", String::from_utf8_lossy(&output.stderr).trim())))
}

/// Parses kubectl's list of pods. The port of a pod is the one named `http`, else its first.
fn parse_pods(json: &[u8]) -> Result<Vec<ServerPod>, Failure> {
    let list: Value = serde_json::from_slice(json)
        .map_err(|error| failed(format!("kubectl get pods: invalid list of pods: {error}")))?;
    let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let pod = |pod: &Value| {
        let name = pod["metadata"]["name"].as_str()?.to_owned();
        let containers = pod["spec"]["containers"].as_array()?.iter();
        let ports: Vec<&Value> = containers.filter_map(|one| one["ports"].as_array()).flatten().collect();
        let port = ports.iter().find(|port| port["name"] == "http").or_else(|| ports.first())?;
        Some(ServerPod { name, port: port["containerPort"].as_u64()? })
    };
    Ok(items.iter().filter_map(pod).collect())
}

fn only_server(mut pods: Vec<ServerPod>, args: &KubeArgs) -> Result<ServerPod, Failure> {
    let namespace = match &args.kube_namespace {
        Some(namespace) => format!("namespace {namespace}"),
        None => "the namespace of the context".to_owned(),
    };
    let names: Vec<&str> = pods.iter().map(|pod| pod.name.as_str()).collect();
    match pods.len() {
        0 => Err(failed(format!(
            "--kube: no server runs in {namespace} (pod labels app=mlbench,component=master); choose another \
             with --kube-namespace"
        ))),
        1 => Ok(pods.remove(0)),
        _ => Err(failed(format!(
            "--kube: several servers run in {namespace}: {}; choose one with --kube-release",
            names.join(", ")
        ))),
    }
}

/// Returns the address in a line such as `Forwarding from 127.0.0.1:40123 -> 8000`.
fn forwarded_address(line: &str) -> Option<&str> {
    line.strip_prefix("Forwarding from ")?
        .split(" -> ")
        .next()
        .filter(|address| address.starts_with("127.0.0.1:"))
}

async fn error_output(kubectl: &mut Child) -> String {
    let mut text = String::new();
    if let Some(stderr) = &mut kubectl.stderr {
        // The text only explains the failure, so a failure to read it changes nothing.
        let _ = stderr.read_to_string(&mut text).await;
    }
    let text = text.trim();
    if text.is_empty() { "no error message".to_owned() } else { text.to_owned() }
}

fn spawn_failure(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound => failed("--kube: kubectl is not on PATH; install it first".to_owned()),
        _ => failed(format!("--kube: cannot start kubectl: {error}")),
    }
}

fn failed(message: String) -> Failure {
    Failure::Kube(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PODS: &str = r#"{"items": [
        {"metadata": {"name": "a"}, "spec": {"containers": [
            {"name": "sidecar"}, {"ports": [{"name": "ingest", "containerPort": 80}, {"name": "http", "containerPort": 8000}]}]}},
        {"metadata": {"name": "b"}, "spec": {"containers": [{"ports": [{"containerPort": 9000}]}]}},
        {"metadata": {"name": "no-port"}, "spec": {"containers": [{}]}}]}"#;

    fn args(namespace: Option<&str>) -> KubeArgs {
        KubeArgs {
            kube: true,
            kube_context: None,
            kube_namespace: namespace.map(ToOwned::to_owned),
            kube_release: None,
        }
    }

    #[test]
    fn the_port_of_a_server_is_named_http_or_its_first() {
        let pods = parse_pods(PODS.as_bytes()).unwrap();
        let pods: Vec<_> = pods.iter().map(|pod| (pod.name.as_str(), pod.port)).collect();
        assert_eq!(pods, [("a", 8000), ("b", 9000)]);
        assert!(parse_pods(b"<html>").unwrap_err().to_string().contains("invalid list of pods"));
    }

    #[test]
    fn no_server_or_several_say_how_to_choose() {
        let refusal = |pods, namespace| only_server(pods, &args(namespace)).unwrap_err().to_string();
        assert!(refusal(Vec::new(), Some("lab")).starts_with("--kube: no server runs in namespace lab "));
        assert!(refusal(Vec::new(), None).contains("--kube-namespace"));
        let several = refusal(parse_pods(PODS.as_bytes()).unwrap(), None);
        assert!(several.contains(": a, b; choose one with --kube-release"), "{several}");
    }

    #[test]
    fn the_address_is_the_one_that_kubectl_prints() {
        assert_eq!(forwarded_address("Forwarding from 127.0.0.1:40123 -> 8000"), Some("127.0.0.1:40123"));
        assert_eq!(forwarded_address("Forwarding from [::1]:40123 -> 8000"), None);
        assert_eq!(forwarded_address("Handling connection for 40123"), None);
    }
}
