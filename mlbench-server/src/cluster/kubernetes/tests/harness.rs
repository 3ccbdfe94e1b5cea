//! A namespace with static worker pods, a cluster connected to it, and helpers that drive runs to their end.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Namespace, Pod as ClusterPod, Service, ServiceAccount};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use mlbench_core::run::{Run, RunKey, Worker};
use serde_json::json;
use tokio::sync::{RwLock, RwLockReadGuard};
use tokio::time::Instant;
use uuid::Uuid;

use super::super::connection::KubernetesCluster;
use super::super::options::Options;
use super::super::testing;
use super::account::Account;
use super::object::object;
use crate::clock::Clock;
use crate::cluster::error::ClusterError;
use crate::cluster::interface::Cluster;
use crate::cluster::provision::{ProvisionRequest, ProvisionStatus, ReleaseStatus};
use crate::cluster::rank::{Offsets, RankRef, Task};
use crate::skipped::skipped;
use crate::task_group::TaskGroup;

/// The image of the test cluster, busybox with all its applets.
pub(super) const IMAGE: &str = "localhost/busybox:1";
/// Upper limit for every wait, even on a cluster under load.
pub(super) const DEADLINE: Duration = Duration::from_secs(120);

/// Held for writing by a test that stops parts of the cluster, and for reading by all others.
pub(super) static CLUSTER_LOCK: RwLock<()> = RwLock::const_new(());

/// The namespace of a test, deleted at its end.
pub(super) struct Harness {
    pub(super) client: Client,
    pub(super) namespace: String,
    pub(super) options: Options,
    /// The kubeconfig of the person who runs the tests. The clusters connect with fewer rights.
    pub(super) kubeconfig: PathBuf,
    /// Keeps its kubeconfig file.
    _account: Account,
    background: TaskGroup,
    /// Held until the end of the test.
    lock: Option<RwLockReadGuard<'static, ()>>,
}

/// Returns the harness of a test, or reports that it is skipped.
pub(super) async fn harness() -> Option<Harness> {
    let lock = CLUSTER_LOCK.read().await;
    let mut harness = unlocked_harness().await?;
    harness.lock = Some(lock);
    Some(harness)
}

/// Returns the harness of a test that holds [`CLUSTER_LOCK`] itself.
pub(super) async fn unlocked_harness() -> Option<Harness> {
    let Some(kubeconfig) = std::env::var_os("MLBENCH_TEST_KUBECONFIG").map(PathBuf::from) else {
        skipped("needs a Kubernetes cluster: cargo xtask test --kube takes that of the current kubeconfig");
        return None;
    };
    let client = client(&kubeconfig).await;
    let namespace = format!("mlbench-test-{}", &Uuid::new_v4().to_string()[..8]);
    let object: Namespace = object(json!({"metadata": {"name": namespace}}));
    Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &object).await.unwrap();
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), &namespace);
    eventually("the service account", || async { accounts.get_opt("default").await.ok().flatten() }).await;
    let account = Account::new(&client, &kubeconfig, &namespace).await;
    let options = Options {
        kubeconfig: Some(account.kubeconfig()),
        namespace: Some(namespace.clone()),
        ..testing::options()
    };
    Some(Harness {
        client,
        namespace,
        options,
        kubeconfig,
        _account: account,
        background: TaskGroup::new("test"),
        lock: None,
    })
}

impl Drop for Harness {
    fn drop(&mut self) {
        // In a separate runtime, because that of the test may be ending. Does not wait until the pods are deleted.
        let (kubeconfig, namespace) = (self.kubeconfig.clone(), self.namespace.clone());
        let delete = async move {
            let client = client(&kubeconfig).await;
            Account::delete(&client, &namespace).await;
            let namespaces: Api<Namespace> = Api::all(client);
            namespaces.delete(&namespace, &DeleteParams::default()).await.map(drop)
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let deleted = std::thread::spawn(move || runtime.block_on(delete)).join().unwrap();
        if let Err(error) = deleted {
            println!("namespace {} was not deleted: {error}", self.namespace);
        }
    }
}

async fn client(kubeconfig: &Path) -> Client {
    let file = Kubeconfig::read_from(kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

impl Harness {
    pub(super) fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Connects a cluster, as a server does at its start.
    pub(super) async fn cluster(&self) -> KubernetesCluster {
        KubernetesCluster::connect(self.options.clone(), Clock::System, &self.background).await.unwrap()
    }

    /// Stops what keeps the clusters of this harness connected, as a server does at its end.
    pub(super) async fn stop(&mut self) {
        std::mem::replace(&mut self.background, TaskGroup::new("test")).stop(DEADLINE).await;
    }

    /// Deploys static worker pods: with a volume for runs and a read-only root file system, or with neither.
    pub(super) async fn static_pods(&self, count: u32, volume: bool) {
        let labels = json!({"app": "mlbench", "component": "worker", "release": "rel"});
        let mounts = if volume { json!([{"name": "work", "mountPath": "/mlbench"}]) } else { json!([]) };
        let idle = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done"];
        let set = json!({
            "metadata": {"name": "pool"},
            "spec": {"serviceName": "pool", "replicas": count, "podManagementPolicy": "Parallel",
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {
                    "terminationGracePeriodSeconds": 1,
                    "volumes": [{"name": "work", "emptyDir": {}}],
                    "containers": [
                        {"name": "sidecar", "image": IMAGE, "command": idle, "imagePullPolicy": "IfNotPresent"},
                        {"name": "worker", "image": IMAGE, "command": idle, "imagePullPolicy": "IfNotPresent",
                         "securityContext": {"readOnlyRootFilesystem": volume}, "volumeMounts": mounts,
                         "resources": {"requests": {"cpu": "10m"}, "limits": {"memory": "64Mi"}}}]}}}
        });
        self.api::<StatefulSet>().create(&PostParams::default(), &object(set)).await.unwrap();
    }

    /// Returns the number of StatefulSets, Services and pods in the namespace.
    pub(super) async fn leftovers(&self) -> (usize, usize, usize) {
        let all = ListParams::default();
        let sets = self.api::<StatefulSet>().list(&all).await.unwrap().items.len();
        let services = self.api::<Service>().list(&all).await.unwrap().items.len();
        (sets, services, self.api::<ClusterPod>().list(&all).await.unwrap().items.len())
    }

    /// Waits until the namespaces of earlier tests are deleted.
    ///
    /// A kubelet that is killed while it deletes their pods may never complete that.
    pub(super) async fn await_deletion_of_others(&self) {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        eventually("the end of the namespaces of earlier tests", || async {
            let all = namespaces.list(&ListParams::default()).await.ok()?;
            let is_terminating = |namespace: &Namespace| {
                let name = namespace.metadata.name.as_deref().unwrap_or_default();
                name.starts_with("mlbench-test-") && namespace.metadata.deletion_timestamp.is_some()
            };
            (!all.items.iter().any(is_terminating)).then_some(())
        })
        .await;
    }

    pub(super) async fn delete_pod(&self, name: &str) {
        self.api::<ClusterPod>().delete(name, &DeleteParams::default()).await.unwrap();
    }
}

/// Polls until `ask` returns a value, and panics with `what` when it does not in time.
pub(super) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    let deadline = Instant::now() + DEADLINE;
    let mut interval = tokio::time::interval(Duration::from_millis(100));
    loop {
        interval.tick().await;
        if let Some(value) = ask().await {
            return value;
        }
        assert!(Instant::now() < deadline, "{what} did not happen within {DEADLINE:?}");
    }
}

/// Returns a run of `workers` ranks on the static pods.
pub(super) fn static_run(id: i64, workers: u32) -> Run {
    let mut run = testing::run(id, "a test");
    run.spec.num_workers = workers;
    run
}

/// Returns a run of `workers` ranks with an image.
pub(super) fn image_run(id: i64, name: &str, workers: u32, image: &str) -> Run {
    let mut run = testing::run(id, name);
    run.spec.num_workers = workers;
    run.spec.image = Some(image.to_owned());
    run
}

/// Waits until the workers of a run are ready, and assigns them to it.
pub(super) async fn provisioned(cluster: &KubernetesCluster, run: &mut Run) -> Vec<Worker> {
    let requested = &*run;
    let workers = eventually("the workers of the run", || async move {
        match cluster.provision(&ProvisionRequest::of(requested)).await {
            Ok(ProvisionStatus::Ready { workers, .. }) => Some(workers),
            Ok(ProvisionStatus::Waiting { .. }) | Err(ClusterError::Unreachable(_)) => None,
            Err(error) => panic!("{error}"),
        }
    })
    .await;
    run.workers.clone_from(&workers);
    workers
}

/// Waits until the list of missing items contains one of `texts`, and returns the list.
pub(super) async fn pending_reason(cluster: &KubernetesCluster, run: &Run, texts: &[&str]) -> String {
    eventually(&format!("waiting for one of {texts:?}"), || async move {
        let Ok(ProvisionStatus::Waiting { missing }) = cluster.provision(&ProvisionRequest::of(run)).await
        else {
            return None;
        };
        let missing = missing.join("\n");
        texts.iter().any(|text| missing.contains(text)).then_some(missing)
    })
    .await
}

pub(super) fn rank(run: &Run, rank: u32) -> RankRef {
    RankRef { run: RunKey::from(run), rank, pod: run.workers[rank as usize].pod.clone(), daemon: None }
}

/// Launches a shell command as one rank.
pub(super) async fn launch(cluster: &KubernetesCluster, at: RankRef, command: &str) {
    let argv = ["sh", "-c", command].map(str::to_owned).to_vec();
    let env =
        vec![("RANK".to_owned(), at.rank.to_string()), ("TEXT".to_owned(), "it's \"so\"\n$HOME".to_owned())];
    cluster.launch(&Task { at, argv, env, num_cpus: None, ranks: Some(1) }).await.unwrap();
}

/// The output of a rank, and its exit code or loss reason.
#[derive(Debug, Default)]
pub(super) struct Followed {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    pub(super) end: Option<Result<i32, String>>,
}

impl Followed {
    pub(super) fn offsets(&self) -> Offsets {
        Offsets { stdout: self.stdout.len() as u64, stderr: self.stderr.len() as u64 }
    }

    /// Reads the next piece, and returns whether the rank has ended.
    pub(super) async fn step(&mut self, cluster: &KubernetesCluster, at: &RankRef) -> bool {
        match cluster.follow(at, self.offsets(), Duration::from_secs(2)).await {
            Ok(output) => {
                self.stdout.extend_from_slice(&output.stdout);
                self.stderr.extend_from_slice(&output.stderr);
                self.end = output.exit_code.map(Ok);
            }
            Err(ClusterError::Lost(why)) => self.end = Some(Err(why)),
            Err(ClusterError::Unreachable(_)) => {
                // Like the launcher, which pauses before it calls an unreachable cluster again.
                let next = Instant::now() + Duration::from_millis(300);
                tokio::time::interval_at(next, Duration::from_secs(1)).tick().await;
            }
            Err(ClusterError::Refused(why)) => panic!("{why}"),
        }
        self.end.is_some()
    }
}

/// Follows a rank to its end.
pub(super) async fn followed(cluster: &KubernetesCluster, at: &RankRef) -> Followed {
    let mut followed = Followed::default();
    let deadline = Instant::now() + DEADLINE;
    while !followed.step(cluster, at).await {
        assert!(Instant::now() < deadline, "the rank did not end: {} bytes", followed.stdout.len());
    }
    followed
}

/// Releases a run until nothing of it is left.
pub(super) async fn released(cluster: &KubernetesCluster, run: &Run) {
    eventually("the release of the run", || async move {
        matches!(cluster.release(run).await, Ok(ReleaseStatus::Complete)).then_some(())
    })
    .await;
}
