//! [`PortForward`]: reaches a server in Kubernetes through `kubectl port-forward`.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::sync::watch;

use crate::args::KubeArgs;
use crate::failure::Failure;

/// How long kubectl may take to find the server and to forward a port.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Pause between two attempts to find the server again.
const PAUSE: Duration = Duration::from_secs(1);
/// How long kubectl may take to end.
const END_TIMEOUT: Duration = Duration::from_secs(5);
/// How many bytes of kubectl's error messages, the last ones, a failure quotes at most.
const MAX_ERROR_BYTES: usize = 1000;

/// Runs kubectl until it ends or standard input is closed, which the system does however this program ends.
const UNTIL_CLOSED: &str = r#"
exec 3<&0
kubectl "$@" 3<&- &
kubectl=$!
{ read -r _ <&3; kill "$kubectl"; } >/dev/null 2>&1 &
exec 3<&-
wait "$kubectl"
"#;

/// A local port that leads to the server until this value is dropped or the program ends.
pub(super) struct PortForward {
    args: KubeArgs,
    port: u16,
    tunnel: Option<Tunnel>,
    failure: Option<Failure>,
}

/// A running `kubectl port-forward`.
struct Tunnel {
    shell: Child,
    output: Lines<BufReader<ChildStdout>>,
    errors: ErrorOutput,
}

/// The standard error of kubectl, of which it keeps the end.
struct ErrorOutput {
    pipe: Option<ChildStderr>,
    end: Vec<u8>,
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
        let (tunnel, port) = open_tunnel(args, None).await?;
        Ok(Self { args: args.clone(), port, tunnel: Some(tunnel), failure: None })
    }

    /// Returns the local URL of the server, which stays the same.
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Finds the server again whenever kubectl ends or a request fails.
    ///
    /// The pod may be another one by then, and kubectl may keep a port open whose pod is gone.
    pub(super) async fn keep_open(&mut self, failures: &mut watch::Receiver<()>) -> Infallible {
        loop {
            if let Some(mut tunnel) = self.tunnel.take() {
                tokio::select! {
                    reason = tunnel.closed() => {
                        self.failure = Some(failed(format!("kubectl port-forward: connection closed: {reason}")));
                    }
                    // The client holds the sender as long as this is polled.
                    _ = failures.changed() => {}
                }
                tunnel.close().await;
            }
            match open_tunnel(&self.args, Some(self.port)).await {
                Ok((tunnel, _)) => {
                    (self.tunnel, self.failure) = (Some(tunnel), None);
                    // Requests that failed until now are no reason to do this again.
                    failures.mark_unchanged();
                }
                Err(failure) => {
                    self.failure = Some(failure);
                    // Each attempt starts a kubectl, and the cluster has no event for its return.
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Returns why the server cannot be reached now, if kubectl said why.
    pub(super) fn failure(&mut self) -> Option<Failure> {
        self.failure.take()
    }
}

/// Finds the server and forwards `port` to it, or a free port, which is returned.
async fn open_tunnel(args: &KubeArgs, port: Option<u16>) -> Result<(Tunnel, u16), Failure> {
    let opened = tokio::time::timeout(TIMEOUT, async {
        let pod = only_server(parse_pods(&list_pods(args).await?)?, args)?;
        Tunnel::to_pod(&pod, args, port).await
    });
    opened.await.unwrap_or_else(|_| {
        let seconds = TIMEOUT.as_secs();
        Err(failed(format!("--kube: kubectl did not reach the cluster within {seconds} s")))
    })
}

impl Tunnel {
    async fn to_pod(pod: &ServerPod, args: &KubeArgs, port: Option<u16>) -> Result<(Self, u16), Failure> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", UNTIL_CLOSED, "sh"]).args(server_flags(args));
        command.args(["port-forward", "--address", "127.0.0.1"]).arg(format!("pod/{}", pod.name));
        let local = port.map(|port| port.to_string()).unwrap_or_default();
        command.arg(format!("{local}:{}", pod.port));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut shell = command.spawn().map_err(|error| spawn_failure(&error))?;
        let stdout = shell.stdout.take().ok_or_else(|| failed("kubectl: no standard output".to_owned()))?;
        let mut output = BufReader::new(stdout).lines();
        let mut errors = ErrorOutput { pipe: shell.stderr.take(), end: Vec::new() };
        while let Some(line) = errors.read_during(output.next_line()).await? {
            if let Some(port) = forwarded_port(&line) {
                return Ok((Self { shell, output, errors }, port));
            }
        }
        Err(failed(format!("kubectl port-forward: {}", errors.last_lines().await)))
    }

    /// Completes with the reason when kubectl ends. Until then it discards kubectl's output.
    async fn closed(&mut self) -> String {
        let output = &mut self.output;
        let ends = async { while let Ok(Some(_)) = output.next_line().await {} };
        self.errors.read_during(ends).await;
        self.errors.last_lines().await
    }

    /// Ends kubectl, so that its port is free.
    async fn close(mut self) {
        drop(self.shell.stdin.take());
        // A kubectl that does not end keeps the port, which the next one reports.
        let _ = tokio::time::timeout(END_TIMEOUT, self.shell.wait()).await;
    }
}

impl ErrorOutput {
    /// Completes `work`, and reads meanwhile: kubectl would wait for a reader of a full pipe.
    async fn read_during<T>(&mut self, work: impl Future<Output = T>) -> T {
        let reading = async {
            self.read().await;
            pending::<Infallible>().await
        };
        tokio::select! {
            biased;
            done = work => done,
            never = reading => match never {},
        }
    }

    /// Reads to the end. Loses nothing when it is dropped at an `await`.
    async fn read(&mut self) {
        let Some(pipe) = &mut self.pipe else { return };
        self.end.reserve(4 * MAX_ERROR_BYTES);
        // The text only explains a failure, so a failure to read it changes nothing.
        while let Ok(1..) = pipe.read_buf(&mut self.end).await {
            // More than is quoted, which shows that something is missing.
            self.end.drain(..self.end.len().saturating_sub(2 * MAX_ERROR_BYTES));
        }
    }

    /// Returns the last messages of a kubectl that ends.
    async fn last_lines(&mut self) -> String {
        // A process that kubectl has started may keep the pipe open.
        let _ = tokio::time::timeout(END_TIMEOUT, self.read()).await;
        last_lines(&self.end)
    }
}

fn server_flags(args: &KubeArgs) -> Vec<&str> {
    let flags = [("--context", &args.kube_context), ("--namespace", &args.kube_namespace)];
    flags.into_iter().filter_map(|(flag, value)| Some([flag, value.as_deref()?])).flatten().collect()
}

async fn list_pods(args: &KubeArgs) -> Result<Vec<u8>, Failure> {
    let mut labels = "app=mlbench,component=master".to_owned();
    if let Some(release) = &args.kube_release {
        labels.push_str(&format!(",release={release}"));
    }
    let mut command = Command::new("kubectl");
    command.args(server_flags(args)).args(["get", "pods", "--selector", &labels]);
    command.args(["--field-selector", "status.phase=Running", "--output", "json"]);
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.map_err(|error| spawn_failure(&error))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(failed(format!("kubectl get pods: {}", last_lines(&output.stderr))))
}

/// Parses kubectl's list of pods, without those that are being deleted.
///
/// The port of a pod is the one named `http`, else its first.
fn parse_pods(json: &[u8]) -> Result<Vec<ServerPod>, Failure> {
    let list: Value = serde_json::from_slice(json)
        .map_err(|error| failed(format!("kubectl get pods: invalid list of pods: {error}")))?;
    let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let pod = |pod: &Value| {
        if pod["metadata"]["deletionTimestamp"].is_string() {
            return None;
        }
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

/// Returns the local port in a line such as `Forwarding from 127.0.0.1:40123 -> 8000`.
fn forwarded_port(line: &str) -> Option<u16> {
    line.strip_prefix("Forwarding from 127.0.0.1:")?.split(" -> ").next()?.parse().ok()
}

/// Returns the last whole lines of `text`, or the end of a longer one, in at most [`MAX_ERROR_BYTES`].
fn last_lines(text: &[u8]) -> String {
    let text = text.trim_ascii();
    let end = &text[text.len().saturating_sub(MAX_ERROR_BYTES)..];
    let is_cut = end.len() < text.len();
    let first_whole = end.iter().position(|&byte| byte == b'\n').filter(|_| is_cut);
    let end = String::from_utf8_lossy(&end[first_whole.unwrap_or_default()..]);
    let end = end.trim();
    if end.is_empty() { "no error message".to_owned() } else { end.to_owned() }
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
        {"metadata": {"name": "old", "deletionTimestamp": "2018-08-03T09:21:29Z"},
            "spec": {"containers": [{"ports": [{"containerPort": 9000}]}]}},
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
    fn the_last_whole_lines_of_many_explain_a_failure() {
        assert_eq!(last_lines(b" \n"), "no error message");
        assert_eq!(last_lines(b"\nW1 deprecated\nerror: no pod\n"), "W1 deprecated\nerror: no pod");
        let line = format!("{}\n", "x".repeat(399));
        let many = format!("{}error: no pod\n", line.repeat(5));
        assert_eq!(last_lines(many.as_bytes()), format!("{line}{line}error: no pod"));
        assert_eq!(last_lines("y".repeat(9_999).as_bytes()), "y".repeat(MAX_ERROR_BYTES));
    }

    #[test]
    fn the_port_is_the_one_that_kubectl_prints() {
        assert_eq!(forwarded_port("Forwarding from 127.0.0.1:40123 -> 8000"), Some(40123));
        assert_eq!(forwarded_port("Forwarding from [::1]:40123 -> 8000"), None);
        assert_eq!(forwarded_port("Forwarding from 127.0.0.1:99999 -> 8000"), None);
        assert_eq!(forwarded_port("Handling connection for 40123"), None);
    }
}
