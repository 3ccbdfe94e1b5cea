//! A server in Kubernetes, reached through a port-forward that kubectl makes.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::args::KubeArgs;
use crate::failure::Failure;

/// How long kubectl may take for each of its two tasks.
const PATIENCE: Duration = Duration::from_secs(30);

/// A port of this machine that leads to the server, for as long as this lives.
pub(super) struct Forward {
    kubectl: Child,
    output: Lines<BufReader<ChildStdout>>,
    url: String,
}

/// The pod of a server.
#[derive(Debug, PartialEq, Eq)]
struct Pod {
    name: String,
    port: u64,
}

impl Forward {
    /// Finds the server and makes the port-forward.
    pub(super) async fn open(args: &KubeArgs) -> Result<Self, Failure> {
        let opened = tokio::time::timeout(PATIENCE * 2, async {
            let pod = the_one(servers(&listed(args).await?)?, args)?;
            Self::to(&pod, args).await
        });
        opened.await.unwrap_or_else(|_| Err(failed("kubectl does not get through to the cluster".to_owned())))
    }

    async fn to(pod: &Pod, args: &KubeArgs) -> Result<Self, Failure> {
        let mut command = kubectl(args);
        command.args(["port-forward", "--address", "127.0.0.1"]);
        command.arg(format!("pod/{}", pod.name)).arg(format!(":{}", pod.port));
        let mut kubectl = command.spawn().map_err(|error| no_kubectl(&error))?;
        let stdout = kubectl.stdout.take().ok_or_else(|| failed("kubectl has no output".to_owned()))?;
        let mut output = BufReader::new(stdout).lines();
        while let Some(line) = output.next_line().await? {
            if let Some(address) = forwarded(&line) {
                return Ok(Self { kubectl, output, url: format!("http://{address}") });
            }
        }
        Err(failed(format!("kubectl port-forward: {}", last_words(&mut kubectl).await)))
    }

    /// Where the server answers.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Completes when the port-forward is over, which is a failure; until then takes what kubectl says of each connection.
    pub(super) async fn broken(&mut self) -> Failure {
        while let Ok(Some(_)) = self.output.next_line().await {}
        failed(format!("the port-forward of kubectl broke off: {}", last_words(&mut self.kubectl).await))
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

async fn listed(args: &KubeArgs) -> Result<Vec<u8>, Failure> {
    let mut labels = "app=mlbench,component=master".to_owned();
    if let Some(release) = &args.kube_release {
        labels.push_str(&format!(",release={release}"));
    }
    let mut command = kubectl(args);
    command.args(["get", "pods", "--selector", &labels]);
    command.args(["--field-selector", "status.phase=Running", "--output", "json"]);
    let output = command.output().await.map_err(|error| no_kubectl(&error))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(failed(format!("kubectl get pods: {}", String::from_utf8_lossy(&output.stderr).trim())))
}

/// The pods in what kubectl says, each with the port called `http`, else its first.
fn servers(json: &[u8]) -> Result<Vec<Pod>, Failure> {
    let answer: Value = serde_json::from_slice(json)
        .map_err(|error| failed(format!("kubectl get pods says what is no list of pods: {error}")))?;
    let items = answer["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let pod = |pod: &Value| {
        let name = pod["metadata"]["name"].as_str()?.to_owned();
        let containers = pod["spec"]["containers"].as_array()?.iter();
        let ports: Vec<&Value> = containers.filter_map(|one| one["ports"].as_array()).flatten().collect();
        let port = ports.iter().find(|port| port["name"] == "http").or_else(|| ports.first())?;
        Some(Pod { name, port: port["containerPort"].as_u64()? })
    };
    Ok(items.iter().filter_map(pod).collect())
}

fn the_one(mut pods: Vec<Pod>, args: &KubeArgs) -> Result<Pod, Failure> {
    let place = match &args.kube_namespace {
        Some(namespace) => format!("namespace {namespace}"),
        None => "the namespace of kubectl's context (--kube-namespace names another)".to_owned(),
    };
    let names: Vec<&str> = pods.iter().map(|pod| pod.name.as_str()).collect();
    match pods.len() {
        0 => Err(failed(format!(
            "no server runs in {place}: no pod with the labels app=mlbench,component=master"
        ))),
        1 => Ok(pods.remove(0)),
        _ => Err(failed(format!(
            "several servers run in {place}: {}; choose by --kube-release",
            names.join(", ")
        ))),
    }
}

/// The address in `Forwarding from 127.0.0.1:40123 -> 8000`.
fn forwarded(line: &str) -> Option<&str> {
    line.strip_prefix("Forwarding from ")?
        .split(" -> ")
        .next()
        .filter(|address| address.starts_with("127.0.0.1:"))
}

async fn last_words(kubectl: &mut Child) -> String {
    let mut words = String::new();
    if let Some(stderr) = &mut kubectl.stderr {
        // What it says is for people; that it cannot be read changes nothing.
        let _ = stderr.read_to_string(&mut words).await;
    }
    let words = words.trim();
    if words.is_empty() { "it says no reason".to_owned() } else { words.to_owned() }
}

fn no_kubectl(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound => failed("kubectl is not on PATH, and --kube needs it".to_owned()),
        _ => failed(format!("kubectl cannot be started: {error}")),
    }
}

fn failed(sentence: String) -> Failure {
    Failure::Kube(sentence)
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
    fn a_server_is_a_pod_with_a_port_called_http_or_its_first() {
        let pods = servers(PODS.as_bytes()).unwrap();
        let pods: Vec<_> = pods.iter().map(|pod| (pod.name.as_str(), pod.port)).collect();
        assert_eq!(pods, [("a", 8000), ("b", 9000)]);
        assert!(servers(b"<html>").unwrap_err().to_string().contains("no list of pods"));
    }

    #[test]
    fn none_or_several_servers_say_how_to_choose() {
        let refusal = |pods, namespace| the_one(pods, &args(namespace)).unwrap_err().to_string();
        assert!(refusal(Vec::new(), Some("lab")).starts_with("no server runs in namespace lab: "));
        assert!(refusal(Vec::new(), None).contains("--kube-namespace"));
        let several = refusal(servers(PODS.as_bytes()).unwrap(), None);
        assert!(several.contains(": a, b; choose by --kube-release"), "{several}");
    }

    #[test]
    fn the_port_is_the_one_that_kubectl_chose() {
        assert_eq!(forwarded("Forwarding from 127.0.0.1:40123 -> 8000"), Some("127.0.0.1:40123"));
        assert_eq!(forwarded("Forwarding from [::1]:40123 -> 8000"), None);
        assert_eq!(forwarded("Handling connection for 40123"), None);
    }
}
