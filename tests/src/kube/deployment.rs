//! Applies the manifests of `deploy/` as a user does: through an overlay, or as a Helm chart.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::image::IMAGE;
use super::kubectl::kubectl;
use super::namespace::{Namespace, TOKEN};
use crate::helm::helm;
use crate::source::source;

/// Name of the role that reads the usage of pods.
///
/// It is the only right that is not limited to a namespace, so every test gives it another name.
const CLUSTER_ROLE: &str = "mlbench-kubelet-metrics";

/// A server in a pod.
///
/// Dropping it deletes its objects outside of the namespace.
#[derive(Debug)]
pub struct Deployment {
    namespace: String,
    _dir: TempDir,
}

/// A port-forward from this machine to the pod of the server.
#[derive(Debug)]
pub struct Forward {
    _child: Child,
    /// Kept open: kubectl writes a line per connection, and would exit if the pipe were closed.
    _output: Lines<BufReader<ChildStdout>>,
    /// URL of the server on this machine.
    pub url: String,
}

impl Deployment {
    /// Applies a folder below `deploy/kubernetes` to a namespace and waits until all pods are ready.
    ///
    /// The empty string means `deploy/kubernetes` itself. The pods use the test image, and the claimed volume is a
    /// directory of this machine.
    ///
    /// # Panics
    /// If the server or the static workers do not become ready.
    pub async fn apply(namespace: &Namespace, folder: &str) -> Self {
        let (dir, overlay) = overlay(namespace.name(), folder).await;
        let deployment = Self::prepare(namespace, dir).await;
        kubectl(&["apply", "-k", overlay.to_str().unwrap()], "").await;
        deployment.wait_until_ready(namespace).await;
        deployment
    }

    /// Installs the Helm chart as release `mlbench` with these values and waits until all pods are ready.
    ///
    /// The pods use the test image, and the claimed volume is a directory of this machine.
    ///
    /// # Panics
    /// If the server or the static workers do not become ready.
    pub async fn install(namespace: &Namespace, python: &Path, values: &Value) -> Self {
        let deployment = Self::prepare(namespace, tempfile::tempdir().unwrap()).await;
        deployment.helm(python, "install", values).await;
        deployment.wait_until_ready(namespace).await;
        deployment
    }

    /// Upgrades a release that [`Deployment::install`] has installed to these values.
    ///
    /// # Panics
    /// If the server or the static workers do not become ready.
    pub async fn upgrade(&self, namespace: &Namespace, python: &Path, values: &Value) {
        self.helm(python, "upgrade", values).await;
        self.wait_until_ready(namespace).await;
    }

    async fn helm(&self, python: &Path, command: &str, values: &Value) {
        let (image, tag) = IMAGE.rsplit_once(':').unwrap();
        let mut values = values.clone();
        values["image"] = json!({"repository": image, "tag": tag});
        values["kubeletMetrics"] = json!({"name": cluster_role(&self.namespace)});
        let chart = source("deploy/helm/mlbench");
        let output = helm(python, &[command, &chart, "mlbench", &self.namespace, &values.to_string()]).await;
        assert_eq!(output.code, 0, "{}", output.stderr);
    }

    /// Creates what a deployment needs: the volume of the database and the token.
    async fn prepare(namespace: &Namespace, dir: TempDir) -> Self {
        let name = namespace.name();
        let data = dir.path().join("data");
        fs::create_dir(&data).unwrap();
        // The server runs as `nobody`, and Kubernetes does not change the group of a hostPath volume.
        for folder in [dir.path(), &data] {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
        }
        let volume = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
            "spec": {"capacity": {"storage": "10Gi"}, "accessModes": ["ReadWriteOnce"],
                "persistentVolumeReclaimPolicy": "Retain",
                "claimRef": {"namespace": name, "name": "mlbench-data"},
                "hostPath": {"path": data, "type": "Directory"}}});
        let deployment = Self { namespace: name.to_owned(), _dir: dir };
        kubectl(&["apply", "-f", "-"], &volume.to_string()).await;
        let token = format!("--from-literal=token={TOKEN}");
        namespace.run(&["create", "secret", "generic", "mlbench-token", &token]).await;
        deployment
    }

    async fn wait_until_ready(&self, namespace: &Namespace) {
        for object in ["deployment/mlbench-server", "statefulset/mlbench-worker"] {
            let ready = namespace.try_run(&["rollout", "status", object, "--timeout=90s"]).await;
            if let Err(why) = ready {
                let pods = namespace.run(&["describe", "pods"]).await;
                panic!("{why}\n{pods}\n{}", namespace.server_log().await);
            }
        }
    }
}

/// Writes an overlay of a folder below `deploy/kubernetes`, for a namespace and with the test image.
///
/// Returns the directory that holds everything, and the overlay.
async fn overlay(namespace: &str, folder: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let copied = Command::new("cp").arg("-r").arg(manifests()).arg(dir.path().join("deploy")).status().await;
    assert!(copied.unwrap().success());
    let role = dir.path().join("deploy/kubelet-metrics/cluster-role.yaml");
    let text = fs::read_to_string(&role).unwrap().replace(CLUSTER_ROLE, &cluster_role(namespace));
    fs::write(&role, text).unwrap();
    let overlay = dir.path().join("overlay");
    fs::create_dir(&overlay).unwrap();
    let (image, tag) = IMAGE.rsplit_once(':').unwrap();
    let kustomization = json!({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
        "namespace": namespace, "bases": [format!("../deploy/{folder}")],
        "images": [{"name": "mlbench", "newName": image, "newTag": tag}]});
    fs::write(overlay.join("kustomization.yaml"), kustomization.to_string()).unwrap();
    (dir, overlay)
}

fn manifests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("deploy/kubernetes")
}

impl Namespace {
    /// Lets the API server check every overlay of `deploy/`, and returns the names of its objects.
    ///
    /// # Panics
    /// If it refuses one.
    pub async fn check_overlays(&self) -> BTreeMap<String, String> {
        let mut accepted = BTreeMap::new();
        for entry in fs::read_dir(manifests().join("overlays")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let (_dir, overlay) = overlay(self.name(), &format!("overlays/{name}")).await;
            let apply = ["apply", "--dry-run=server", "-o", "name", "-k", overlay.to_str().unwrap()];
            accepted.insert(name, kubectl(&apply, "").await);
        }
        accepted
    }

    /// Returns the log of the deployed server.
    pub async fn server_log(&self) -> String {
        self.try_run(&["logs", "deployment/mlbench-server"]).await.unwrap_or_else(|why| why)
    }

    /// Connects to the deployed server.
    ///
    /// # Panics
    /// If `kubectl port-forward` fails.
    pub async fn forward(&self) -> Forward {
        let mut command = Command::new("kubectl");
        command.args(["-n", self.name(), "port-forward", "deployment/mlbench-server", ":8000"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // `Forwarding from 127.0.0.1:40123 -> 8000`
        let line = lines.next_line().await.unwrap().expect("kubectl prints the address");
        let address = line.split_whitespace().nth(2).unwrap_or_else(|| panic!("{line}"));
        Forward { _child: child, _output: lines, url: format!("http://{address}") }
    }
}

fn cluster_role(namespace: &str) -> String {
    format!("{CLUSTER_ROLE}-{namespace}")
}

impl Drop for Deployment {
    fn drop(&mut self) {
        let role = cluster_role(&self.namespace);
        for object in
            [&["clusterrolebinding", &role], &["clusterrole", &role], &["pv", self.namespace.as_str()]]
        {
            let mut command = std::process::Command::new("kubectl");
            let deleted =
                command.args(["delete", "--ignore-not-found", "--wait=false"]).args(object).output();
            if !deleted.is_ok_and(|output| output.status.success()) {
                eprintln!("cannot delete {object:?}");
            }
        }
    }
}
