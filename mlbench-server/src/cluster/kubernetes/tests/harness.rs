//! A namespace with static worker pods, a cluster connected to it, and runs driven to their end.

use std::future::Future;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Namespace, Pod as ClusterPod, Service, ServiceAccount};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use mlbench_core::run::{Run, RunKey, Worker};
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::sync::{RwLock, RwLockReadGuard};
use tokio::time::Instant;
use uuid::Uuid;

use super::super::{KubernetesCluster, Options, testing};
use super::account::Account;
use crate::clock::Clock;
use crate::cluster::{
    Cluster, ClusterError, Offsets, ProvisionRequest, ProvisionStatus, RankRef, ReleaseStatus, Task,
};
use crate::task_group::TaskGroup;

/// The image that the test cluster has: busybox with all its applets.
pub(super) const IMAGE: &str = "localhost/busybox:1";
/// Everything a cluster under load does in time.
pub(super) const DEADLINE: Duration = Duration::from_secs(120);

/// Who breaks the API server does so alone.
pub(super) static CLUSTER_LOCK: RwLock<()> = RwLock::const_new(());

/// A namespace of the test's own; it selected with the test.
pub(super) struct Harness {
    pub(super) client: Client,
    pub(super) namespace: String,
    pub(super) options: Options,
    /// The kubeconfig of who runs the tests; the clusters connect with less.
    pub(super) kubeconfig: PathBuf,
    /// Its kubeconfig is there as long as this is.
    _account: Account,
    background: TaskGroup,
    /// Held until the end.
    lock: Option<RwLockReadGuard<'static, ()>>,
}

/// Says that this test is skipped, past the capture of test output, so that `cargo xtask test` counts it as such.
pub(super) fn skipped(needs: &str) {
    let current = std::thread::current();
    let test = current.name().unwrap_or("a test");
    let _ = std::io::stderr().write_all(format!("SKIPPED {test}: {needs}\n").as_bytes());
}

/// The harness of a test, or none and a word about it.
pub(super) async fn harness() -> Option<Harness> {
    let lock = CLUSTER_LOCK.read().await;
    let mut harness = unlocked_harness().await?;
    harness.lock = Some(lock);
    Some(harness)
}

/// The harness of a test that holds [`CLUSTER_LOCK`] itself.
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
        // In a runtime of its own: that of the test may be ending. Nobody waits for the pods to go.
        let (kubeconfig, namespace) = (self.kubeconfig.clone(), self.namespace.clone());
        let delete = async move {
            let client = client(&kubeconfig).await;
            Account::remove(&client, &namespace).await;
            let namespaces: Api<Namespace> = Api::all(client);
            namespaces.delete(&namespace, &DeleteParams::default()).await.map(drop)
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let deleted = std::thread::spawn(move || runtime.block_on(delete)).join().unwrap();
        if let Err(error) = deleted {
            println!("namespace {} is left behind: {error}", self.namespace);
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

    /// A server's view of the cluster. Any number can be had: each is a server's life.
    pub(super) async fn cluster(&self) -> KubernetesCluster {
        KubernetesCluster::connect(self.options.clone(), Clock::System, &self.background).await.unwrap()
    }

    /// Deploys static worker pods, their root file system read-only, with or without a volume for runs.
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

    /// How many StatefulSets, Services and pods there are.
    pub(super) async fn leftovers(&self) -> (usize, usize, usize) {
        let all = ListParams::default();
        let sets = self.api::<StatefulSet>().list(&all).await.unwrap().items.len();
        let services = self.api::<Service>().list(&all).await.unwrap().items.len();
        (sets, services, self.api::<ClusterPod>().list(&all).await.unwrap().items.len())
    }

    /// Waits until the namespaces of earlier tests are gone: a kubelet that is killed while it removes their pods may
    /// never come to an end with them.
    pub(super) async fn alone(&self) {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        eventually("the end of the namespaces of earlier tests", || async {
            let all = namespaces.list(&ListParams::default()).await.ok()?;
            let going = |namespace: &Namespace| {
                let name = namespace.metadata.name.as_deref().unwrap_or_default();
                name.starts_with("mlbench-test-") && namespace.metadata.deletion_timestamp.is_some()
            };
            (!all.items.iter().any(going)).then_some(())
        })
        .await;
    }

    pub(super) async fn delete_pod(&self, name: &str) {
        self.api::<ClusterPod>().delete(name, &DeleteParams::default()).await.unwrap();
    }
}

pub(super) fn object<K: DeserializeOwned>(value: serde_json::Value) -> K {
    serde_json::from_value(value).unwrap()
}

/// Asks until there is an answer; panics naming `what` when there is none in time.
pub(super) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    let deadline = Instant::now() + DEADLINE;
    let mut looks = tokio::time::interval(Duration::from_millis(100));
    loop {
        looks.tick().await;
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "{what} did not happen within {DEADLINE:?}");
    }
}

/// A run of `workers` ranks on the static pods.
pub(super) fn static_run(id: i64, workers: u32) -> Run {
    let mut run = testing::run(id, "a test");
    run.spec.num_workers = workers;
    run
}

/// A run of `workers` ranks with an image.
pub(super) fn image_run(id: i64, name: &str, workers: u32, image: &str) -> Run {
    let mut run = testing::run(id, name);
    run.spec.num_workers = workers;
    run.spec.image = Some(image.to_owned());
    run
}

/// Waits until the workers of a run are there, and writes them into it.
pub(super) async fn provisioned(cluster: &KubernetesCluster, run: &mut Run) -> Vec<Worker> {
    let asked = &*run;
    let workers = eventually("the workers of the run", || async move {
        match cluster.provision(&ProvisionRequest::of(asked)).await {
            Ok(ProvisionStatus::Ready { workers, .. }) => Some(workers),
            Ok(ProvisionStatus::Waiting { .. }) | Err(ClusterError::Unreachable(_)) => None,
            Err(error) => panic!("{error}"),
        }
    })
    .await;
    run.workers.clone_from(&workers);
    workers
}

/// What is missing, as soon as it contains one of `words`.
pub(super) async fn waits_for(cluster: &KubernetesCluster, run: &Run, words: &[&str]) -> String {
    eventually(&format!("waiting for one of {words:?}"), || async move {
        let Ok(ProvisionStatus::Waiting { missing }) = cluster.provision(&ProvisionRequest::of(run)).await
        else {
            return None;
        };
        let missing = missing.join("\n");
        words.iter().any(|word| missing.contains(word)).then_some(missing)
    })
    .await
}

pub(super) fn rank(run: &Run, rank: u32) -> RankRef {
    RankRef { run: RunKey::from(run), rank, pod: run.workers[rank as usize].pod.clone() }
}

/// Starts a shell command as one rank.
pub(super) async fn launch(cluster: &KubernetesCluster, at: RankRef, command: &str) {
    let argv = ["sh", "-c", command].map(str::to_owned).to_vec();
    let env =
        vec![("RANK".to_owned(), at.rank.to_string()), ("TEXT".to_owned(), "it's \"so\"\n$HOME".to_owned())];
    cluster.launch(&Task { at, argv, env, num_cpus: None }).await.unwrap();
}

/// Everything a rank wrote, and how it ended.
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

    /// Reads the next piece; whether the rank has ended.
    pub(super) async fn step(&mut self, cluster: &KubernetesCluster, at: &RankRef) -> bool {
        match cluster.follow(at, self.offsets(), Duration::from_secs(2)).await {
            Ok(output) => {
                self.stdout.extend_from_slice(&output.stdout);
                self.stderr.extend_from_slice(&output.stderr);
                self.end = output.exit_code.map(Ok);
            }
            Err(ClusterError::Lost(why)) => self.end = Some(Err(why)),
            Err(ClusterError::Unreachable(_)) => {
                // As the launcher does, which does not ask a cluster at once that could not be reached.
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
