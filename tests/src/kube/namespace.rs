//! A namespace for one test, and the server and workers in it.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::image::{self, IMAGE};
use super::kubectl::{items, kubectl, try_kubectl};
use crate::server::{ServerOptions, TestServer};
use crate::tools;
use crate::wait::eventually;

/// Timeout of everything that a cluster under load does.
pub const KUBE_TIMEOUT: Duration = Duration::from_secs(150);
/// Token of every server in these tests.
pub const TOKEN: &str = "token-of-the-tests-on-kubernetes";
/// Release name of everything that the tests deploy.
const RELEASE: &str = "rel";
const IDLE: &str = "trap 'exit 0' TERM INT; while :; do sleep 3600 & wait $!; done";

/// A new namespace.
///
/// Dropping it deletes the namespace.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    node_address: IpAddr,
}

/// Numbers of objects that belong to runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leftovers {
    /// StatefulSets.
    pub sets: usize,
    /// Services.
    pub services: usize,
    /// Pods.
    pub pods: usize,
    /// Secrets of runs.
    pub secrets: usize,
}

impl Namespace {
    /// Creates a namespace and imports [`IMAGE`].
    ///
    /// Returns nothing if no cluster is available.
    ///
    /// # Panics
    /// If the namespace cannot be created.
    pub async fn new() -> Option<Self> {
        static IMPORTED: OnceCell<()> = OnceCell::const_new();
        let importer = tools::kubernetes()?;
        IMPORTED
            .get_or_init(|| async {
                tokio::task::spawn_blocking(move || image::import(&importer)).await.unwrap();
            })
            .await;
        let word = tempfile::Builder::new().prefix("").rand_bytes(8).tempdir().unwrap();
        let word = word.path().file_name().unwrap().to_string_lossy().to_lowercase();
        let name = format!("mlbench-test-{word}");
        kubectl(&["create", "namespace", &name], "").await;
        let nodes = items(&["get", "nodes"]).await;
        let addresses = nodes[0]["status"]["addresses"].as_array().unwrap();
        let internal = addresses.iter().find(|address| address["type"] == "InternalIP").unwrap();
        let node_address = internal["address"].as_str().unwrap().parse().unwrap();
        let namespace = Self { name, node_address };
        eventually("the namespace has its service account", KUBE_TIMEOUT, async || {
            namespace.try_run(&["get", "serviceaccount", "default"]).await.ok()
        })
        .await;
        Some(namespace)
    }

    /// Returns the name of the namespace.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `kubectl` in this namespace.
    ///
    /// # Errors
    /// The standard error of a command that fails.
    pub async fn try_run(&self, args: &[&str]) -> Result<String, String> {
        try_kubectl(&[&["-n", &self.name], args].concat(), "").await
    }

    /// Runs `kubectl` in this namespace.
    ///
    /// # Panics
    /// If the command fails.
    pub async fn run(&self, args: &[&str]) -> String {
        self.try_run(args).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Applies a manifest.
    pub async fn apply(&self, object: &Value) {
        kubectl(&["-n", &self.name, "apply", "-f", "-"], &object.to_string()).await;
    }

    /// Lets the API server check an object with its schema, without storing it.
    ///
    /// # Errors
    /// Why it refuses the object.
    pub async fn check(&self, object: &Value) -> Result<(), String> {
        let check = ["create", "--dry-run=server", "--validate=true", "-f", "-"];
        try_kubectl(&[&["-n", &self.name], &check[..]].concat(), &object.to_string()).await.map(drop)
    }

    /// Deploys static worker pods without waiting until they are ready.
    pub async fn static_workers(&self, count: u32) {
        let labels = json!({"app": "mlbench", "component": "worker", "release": RELEASE});
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "pool"},
            "spec": {"clusterIP": "None", "publishNotReadyAddresses": true, "selector": labels,
                "ports": [{"name": "worker", "port": 22}]}});
        self.apply(&service).await;
        let container = json!({"name": "worker", "image": IMAGE, "imagePullPolicy": "IfNotPresent",
            "command": ["sh", "-c", IDLE], "resources": {"requests": {"cpu": "20m"}},
            "volumeMounts": [{"name": "mlbench", "mountPath": "/mlbench"}]});
        let template = json!({"metadata": {"labels": labels}, "spec": {"containers": [container],
            "terminationGracePeriodSeconds": 1, "volumes": [{"name": "mlbench", "emptyDir": {}}]}});
        let set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "pool"},
            "spec": {"serviceName": "pool", "replicas": count, "podManagementPolicy": "Parallel",
                "selector": {"matchLabels": labels}, "template": template}});
        self.apply(&set).await;
    }

    /// Returns the options of a local server whose workers are pods of this namespace.
    ///
    /// A run may have up to `max_workers` workers.
    #[must_use]
    pub fn options(&self, max_workers: u32) -> ServerOptions {
        // Pods reach this machine at the address of its node, where the server requires a token.
        ServerOptions::default()
            .listen(self.node_address)
            .token(TOKEN)
            .kubernetes()
            .env("MLBENCH_NAMESPACE", &self.name)
            .env("MLBENCH_KUBE_RELEASENAME", RELEASE)
            .env("MLBENCH_MAX_WORKERS", max_workers.to_string())
    }

    /// Starts a server with these [`options`](Self::options).
    pub async fn server(&self, max_workers: u32) -> TestServer {
        self.options(max_workers).start().await
    }

    /// Returns the sorted names of all objects of a kind.
    pub async fn names(&self, kind: &str) -> Vec<String> {
        let found = self.run(&["get", kind, "-o", "name"]).await;
        let mut names: Vec<_> =
            found.lines().map(|line| line.rsplit('/').next().unwrap_or(line).to_owned()).collect();
        names.sort_unstable();
        names
    }

    /// Counts the objects that belong to runs.
    pub async fn leftovers(&self) -> Leftovers {
        let kinds = "statefulsets,services,pods,secrets";
        let found = items(&["-n", &self.name, "get", kinds, "-l", "mlbench.run-id"]).await;
        let count = |kind: &str| found.iter().filter(|object| object["kind"] == kind).count();
        Leftovers {
            sets: count("StatefulSet"),
            services: count("Service"),
            pods: count("Pod"),
            secrets: count("Secret"),
        }
    }
}

impl Leftovers {
    /// No objects.
    pub const NONE: Self = Self { sets: 0, services: 0, pods: 0, secrets: 0 };
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let deleted = std::process::Command::new("kubectl")
            .args(["delete", "namespace", "--wait=false", &self.name])
            .output();
        if !deleted.is_ok_and(|output| output.status.success()) {
            eprintln!("cannot delete namespace {}", self.name);
        }
    }
}
