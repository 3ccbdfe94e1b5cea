//! The metrics of every node's kubelet, each node asked by itself.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::{Client, Config};
use mlbench_core::PodName;
use tokio::sync::mpsc;

use super::usage::{MonotonicCounters, pod_samples};
use super::{error_text, pod_status};
use crate::clock::Clock;
use crate::cluster::PodSample;
use crate::task_group::TaskGroup;

/// The kubelet's port, the same everywhere.
const PORT: u16 = 10_250;
/// How long one sampling waits. What comes later is handed out with the next, with the date it was measured at.
const TIMEOUT: Duration = Duration::from_secs(2);
/// How long a node may take before it counts as silent.
const SILENCE: Duration = Duration::from_secs(20);

/// Reads the kubelets' `/metrics/cadvisor`.
pub(super) struct Kubelets {
    config: Config,
    through: Option<Client>,
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
    asked: HashSet<String>,
    /// Nodes whose failure was said; the empty name stands for what is forbidden on all.
    warned: HashSet<String>,
    monotonic: MonotonicCounters,
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

/// Why a node's metrics cannot be had.
enum Failure {
    /// No node will give them to this server.
    Forbidden(u16),
    /// This node does not, says why.
    Node(String),
}

impl Kubelets {
    pub(super) fn new(
        config: Config,
        through: Option<Client>,
        namespace: String,
        clock: Clock,
        background: TaskGroup,
    ) -> Self {
        let (sender, results) = mpsc::unbounded_channel();
        let results = tokio::sync::Mutex::new(results);
        Self { config, through, namespace, clock, background, state: Mutex::default(), results, sender }
    }

    /// What the worker pods use. A node is asked again only when it has output or failed.
    pub(super) async fn sample(&self, pods: &[Arc<Pod>]) -> Vec<PodSample> {
        let mut results = self.results.lock().await;
        let nodes = nodes(pods);
        let is_there = |name: &PodName| nodes.iter().any(|node| node.pods.contains_key(name.as_str()));
        self.state().monotonic.retain(is_there);
        for node in nodes {
            self.ask(node);
        }
        let deadline = tokio::time::Instant::now() + TIMEOUT;
        let mut samples = Vec::new();
        while !self.state().asked.is_empty() {
            let Ok(Some(answer)) = tokio::time::timeout_at(deadline, results.recv()).await else { break };
            samples.extend(self.take(answer));
        }
        samples
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a request to a node, unless one is under way.
    fn ask(&self, node: Node) {
        if !self.state().asked.insert(node.name.clone()) {
            return;
        }
        let client = self.client(&node);
        let path = match &self.through {
            Some(_) => format!("/api/v1/nodes/{}/proxy/metrics/cadvisor", node.name),
            None => "/metrics/cadvisor".to_owned(),
        };
        let (sender, namespace, clock) = (self.sender.clone(), self.namespace.clone(), self.clock.clone());
        let stop = self.background.stop_token();
        self.background.spawn(async move {
            let read = async {
                let text =
                    tokio::time::timeout(SILENCE, metrics(client.map_err(Failure::Node)?, &path)).await;
                let text = text.unwrap_or_else(|_| Err(Failure::Node("it does not answer".to_owned())))?;
                Ok(pod_samples(&text, &namespace, &node.pods, clock.now()))
            };
            if let Some(samples) = stop.run_until_cancelled(read).await {
                // The receiver lives as long as the cluster.
                let _ended = sender.send(NodeResult { node: node.name, samples });
            }
        });
    }

    fn client(&self, node: &Node) -> Result<Client, String> {
        if let Some(client) = &self.through {
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

    fn take(&self, answer: NodeResult) -> Vec<PodSample> {
        let mut state = self.state();
        state.asked.remove(&answer.node);
        match answer.samples {
            Ok(samples) => samples.into_iter().filter_map(|sample| state.monotonic.next(sample)).collect(),
            Err(failure) => {
                state.warn_once(&answer.node, &failure);
                Vec::new()
            }
        }
    }
}

impl State {
    /// Says what is missing once, not with every sampling.
    fn warn_once(&mut self, node: &str, failure: &Failure) {
        match failure {
            Failure::Forbidden(code) if self.warned.insert(String::new()) => tracing::warn!(
                "pod metrics are missing: the kubelets do not let this server read them (HTTP {code}); it needs `get` \
                 on `nodes/metrics`, see deploy/kubernetes/kubelet-metrics"
            ),
            Failure::Node(why) if self.warned.insert(node.to_owned()) => {
                tracing::warn!(
                    node,
                    why,
                    "pod metrics of this node are missing; a kubelet whose certificate the cluster did not sign can \
                     only be read with --kubelet-via-apiserver"
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

/// The nodes on which worker pods run.
fn nodes(pods: &[Arc<Pod>]) -> Vec<Node> {
    let mut nodes: HashMap<String, Node> = HashMap::new();
    for pod in pods {
        let place = || {
            let (node, address) =
                (pod.spec.as_ref()?.node_name.clone()?, pod.status.as_ref()?.host_ip.clone()?);
            Some((node, address, PodName::new(pod_status::name(pod)).ok()?))
        };
        let Some((name, address, pod)) = place() else { continue };
        let node = nodes.entry(name.clone()).or_insert_with(|| Node { name, address, pods: HashMap::new() });
        node.pods.insert(pod.as_str().to_owned(), pod);
    }
    nodes.into_values().collect()
}
