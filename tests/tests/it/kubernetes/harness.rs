//! Access to the cluster, and the steps that most tests share.

use std::ops::Deref;

use mlbench_client::{Run, RunId, RunRequest, RunState};
use mlbench_tests::kube::{IMAGE, KUBE_TIMEOUT, Leftovers, Namespace};
use mlbench_tests::{TestServer, eventually, new_run};
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Held shared by most tests, and exclusively by a test that stops the API server.
static CLUSTER: RwLock<()> = RwLock::const_new(());

/// A namespace of a cluster that no other test breaks.
pub(super) struct TestCluster {
    namespace: Namespace,
    _guard: Result<RwLockReadGuard<'static, ()>, RwLockWriteGuard<'static, ()>>,
}

/// Creates a namespace for a test.
///
/// Returns nothing, and reports the test as skipped, if no cluster is available.
pub(super) async fn shared_cluster() -> Option<TestCluster> {
    let guard = CLUSTER.read().await;
    Some(TestCluster { namespace: Namespace::new().await?, _guard: Ok(guard) })
}

/// Creates a namespace for a test that stops the API server, like [`shared_cluster`].
pub(super) async fn exclusive_cluster() -> Option<TestCluster> {
    let guard = CLUSTER.write().await;
    Some(TestCluster { namespace: Namespace::new().await?, _guard: Err(guard) })
}

impl Deref for TestCluster {
    type Target = Namespace;

    fn deref(&self) -> &Namespace {
        &self.namespace
    }
}

/// Returns a request for a run that gets its own pods.
pub(super) fn image_run(name: &str, workers: u32, command: &str) -> RunRequest {
    RunRequest {
        num_workers: Some(workers),
        image_name: Some("custom_image".to_owned()),
        custom_image_name: Some(IMAGE.to_owned()),
        ..new_run(name, command)
    }
}

pub(super) async fn start(server: &TestServer, new: &RunRequest) -> Run {
    server.client().runs().start(new).await.unwrap()
}

/// Waits until a run has ended.
pub(super) async fn wait_for_end(server: &TestServer, id: RunId) -> Run {
    let client = server.client();
    let ended = tokio::time::timeout(KUBE_TIMEOUT, client.runs().wait(id)).await;
    ended.unwrap_or_else(|_| panic!("run {id} did not end")).unwrap()
}

/// Waits until a run has written at least `count` lines.
pub(super) async fn wait_for_lines(server: &TestServer, id: RunId, count: usize) {
    eventually("the run has written its lines", KUBE_TIMEOUT, async || {
        (server.output(id).await.len() >= count).then_some(())
    })
    .await;
}

/// Waits until no object of a run is left.
pub(super) async fn wait_until_nothing_is_left(namespace: &Namespace) {
    eventually("no object of the run is left", KUBE_TIMEOUT, async || {
        (namespace.leftovers().await == Leftovers::NONE).then_some(())
    })
    .await;
}

/// Deletes a worker pod of a run, and checks that the run fails for that reason and leaves nothing.
pub(super) async fn fail_by_deleting(cluster: &Namespace, server: &TestServer, id: RunId, pod: &str) {
    cluster.run(&["delete", "pod", "--wait=false", pod]).await;
    let run = wait_for_end(server, id).await;
    let reason = run.job_metadata.reason.unwrap_or_default();
    assert_eq!(run.state, RunState::Failed);
    assert!(reason.contains(pod) && reason.contains("deleted"), "{reason}");
    wait_until_nothing_is_left(cluster).await;
}
