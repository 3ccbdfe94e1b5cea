//! Reads the metrics of every node's kubelet, each node independently.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::{Client, Config};
use mlbench_core::PodName;
use tokio::sync::mpsc;

use super::usage::{MonotonicCounters, pod_samples};
use crate::clock::Clock;
use crate::cluster::kubernetes::errors::error_text;
use crate::cluster::kubernetes::pods::pod_status;
use crate::cluster::sample::PodSample;
use crate::task_group::TaskGroup;

/// The port of every kubelet.
const PORT: u16 = 10_250;
/// How long one sampling waits. The next one returns later samples, with the dates of their measurement.
const SAMPLE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a node may take to respond.
const NODE_TIMEOUT: Duration = Duration::from_secs(20);

/// Reads the kubelets' `/metrics/cadvisor`.
pub(crate) struct Kubelets {
    config: Config,
    proxy: Option<Client>,
    namespace: String,
    clock: Clock,
    background: TaskGroup,
    state: Mutex<State>,
    results: tokio::sync::Mutex<mpsc::UnboundedReceiver<NodeResult>>,
    sender: mpsc::UnboundedSender<NodeResult>,
}

#[derive(Default)]
struct State {
    clients: HashMap<String, Client>,
    pending: HashSet<String>,
    /// Nodes whose failure was logged. The empty name means that all nodes deny access.
    warned: HashSet<String>,
    counters: MonotonicCounters,
}

/// A node with worker pods.
struct Node {
    name: String,
    address: String,
    pods: HashMap<String, PodName>,
}

struct NodeResult {
    node: String,
    samples: Result<Vec<PodSample>, Failure>,
}

/// Why the metrics of a node are missing.
enum Failure {
    /// Every node denies this server access.
    Forbidden(u16),
    /// This node failed, with the cause.
    Node(String),
}

impl Kubelets {
    pub(crate) fn new(
        config: Config,
        proxy: Option<Client>,
        namespace: String,
        clock: Clock,
        background: TaskGroup,
    ) -> Self {
        let (sender, results) = mpsc::unbounded_channel();
        let results = tokio::sync::Mutex::new(results);
        Self { config, proxy, namespace, clock, background, state: Mutex::default(), results, sender }
    }

    /// Returns the usage of the worker pods, with one request per node at a time.
    pub(crate) async fn sample(&self, pods: &[Arc<Pod>]) -> Vec<PodSample> {
        let mut results = self.results.lock().await;
        let nodes = nodes(pods);
        let exists = |name: &PodName| nodes.iter().any(|node| node.pods.contains_key(name.as_str()));
        self.state().counters.retain(exists);
        for node in nodes {
            self.request(node);
        }
        let deadline = tokio::time::Instant::now() + SAMPLE_TIMEOUT;
        let mut samples = Vec::new();
        while !self.state().pending.is_empty() {
            let Ok(Some(result)) = tokio::time::timeout_at(deadline, results.recv()).await else { break };
            samples.extend(self.complete(result));
        }
        samples
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request to a node unless one is pending.
    fn request(&self, node: Node) {
        if !self.state().pending.insert(node.name.clone()) {
            return;
        }
        let client = self.client(&node);
        let path = match &self.proxy {
            Some(_) => format!("/api/v1/nodes/{}/proxy/metrics/cadvisor", node.name),
            None => "/metrics/cadvisor".to_owned(),
        };
        let (sender, namespace, clock) = (self.sender.clone(), self.namespace.clone(), self.clock.clone());
        let stop = self.background.stop_token();
        self.background.spawn(async move {
            let read = async {
                let text =
                    tokio::time::timeout(NODE_TIMEOUT, metrics(client.map_err(Failure::Node)?, &path)).await;
                let text =
                    text.unwrap_or_else(|_| Err(Failure::Node("the kubelet does not respond".to_owned())))?;
                Ok(pod_samples(&text, &namespace, &node.pods, clock.now()))
            };
            if let Some(samples) = stop.run_until_cancelled(read).await {
                // The receiver lives as long as the cluster.
                let _ended = sender.send(NodeResult { node: node.name, samples });
            }
        });
    }

    fn client(&self, node: &Node) -> Result<Client, String> {
        if let Some(client) = &self.proxy {
            return Ok(client.clone());
        }
        if let Some(client) = self.state().clients.get(&node.address) {
            return Ok(client.clone());
        }
        let host =
            if node.address.contains(':') { format!("[{}]", node.address) } else { node.address.clone() };
        let mut config = self.config.clone();
        config.cluster_url = format!("https://{host}:{PORT}").parse().map_err(|error| format!("{error}"))?;
        config.tls_server_name = None;
        config.proxy_url = None;
        config.default_retry = false;
        config.connect_timeout = Some(Duration::from_secs(5));
        let client = Client::try_from(config).map_err(|error| error_text(&error))?;
        self.state().clients.insert(node.address.clone(), client.clone());
        Ok(client)
    }

    fn complete(&self, result: NodeResult) -> Vec<PodSample> {
        let mut state = self.state();
        state.pending.remove(&result.node);
        match result.samples {
            Ok(samples) => samples.into_iter().filter_map(|sample| state.counters.next(sample)).collect(),
            Err(failure) => {
                state.warn_once(&result.node, &failure);
                Vec::new()
            }
        }
    }
}

impl State {
    /// Logs a failure once, not with every sampling.
    fn warn_once(&mut self, node: &str, failure: &Failure) {
        match failure {
            Failure::Forbidden(code) if self.warned.insert(String::new()) => tracing::warn!(
                "pod metrics are missing: the kubelets deny access (HTTP {code}); grant `get` on `nodes/metrics`, see \
                 deploy/kubernetes/kubelet-metrics"
            ),
            Failure::Node(why) if self.warned.insert(node.to_owned()) => {
                tracing::warn!(
                    node,
                    why,
                    "pod metrics of this node are missing; if its kubelet's certificate is not signed by the cluster, use \
                     --kubelet-via-apiserver"
                );
            }
            _ => {}
        }
    }
}

async fn metrics(client: Client, path: &str) -> Result<String, Failure> {
    let request =
        http::Request::get(path).body(Vec::new()).map_err(|error| Failure::Node(error.to_string()))?;
    client.request_text(request).await.map_err(|error| match &error {
        kube::Error::Api(status) if matches!(status.code, 401 | 403) => Failure::Forbidden(status.code),
        error => Failure::Node(error_text(error)),
    })
}

/// Returns the nodes with worker pods.
fn nodes(pods: &[Arc<Pod>]) -> Vec<Node> {
    let mut nodes: HashMap<String, Node> = HashMap::new();
    for pod in pods {
        let location = || {
            let (node, address) =
                (pod.spec.as_ref()?.node_name.clone()?, pod.status.as_ref()?.host_ip.clone()?);
            Some((node, address, PodName::new(pod_status::name(pod)).ok()?))
        };
        let Some((name, address, pod)) = location() else { continue };
        let node = nodes.entry(name.clone()).or_insert_with(|| Node { name, address, pods: HashMap::new() });
        node.pods.insert(pod.as_str().to_owned(), pod);
    }
    nodes.into_values().collect()
}
