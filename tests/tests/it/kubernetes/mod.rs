//! On a real Kubernetes: `cargo xtask test --kube`. Every test has a namespace of its own.

mod deployed;
mod faults;
mod names;
mod old_dashboard;
mod queue;
mod training;
mod waiting;

use std::ops::Deref;

use mlbench_client::{Run, RunId, RunRequest};
use mlbench_tests::kube::{IMAGE, Leftovers, Namespace, SOON};
use mlbench_tests::{TestServer, eventually, new_run};
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Who breaks the API server does so alone.
static PEACE: RwLock<()> = RwLock::const_new(());

/// A namespace, while nobody breaks the cluster, or while nobody else uses it.
struct World {
    namespace: Namespace,
    _peace: Result<RwLockReadGuard<'static, ()>, RwLockWriteGuard<'static, ()>>,
}

/// The world of a test; none where there is no cluster, which it has said then.
async fn world() -> Option<World> {
    let peace = PEACE.read().await;
    Some(World { namespace: Namespace::new().await?, _peace: Ok(peace) })
}

/// The world of a test that breaks the API server.
async fn world_alone() -> Option<World> {
    let alone = PEACE.write().await;
    Some(World { namespace: Namespace::new().await?, _peace: Err(alone) })
}

impl Deref for World {
    type Target = Namespace;

    fn deref(&self) -> &Namespace {
        &self.namespace
    }
}

/// A run with workers of its own.
fn image_run(name: &str, workers: u32, command: &str) -> RunRequest {
    RunRequest {
        num_workers: Some(workers),
        image_name: Some("custom_image".to_owned()),
        custom_image_name: Some(IMAGE.to_owned()),
        ..new_run(name, command)
    }
}

async fn start(server: &TestServer, new: &RunRequest) -> Run {
    server.client().runs().start(new).await.unwrap()
}

/// The run once it has ended.
async fn ended(server: &TestServer, id: RunId) -> Run {
    let client = server.client();
    let ended = tokio::time::timeout(SOON, client.runs().wait(id)).await;
    ended.unwrap_or_else(|_| panic!("run {id} did not end")).unwrap()
}

async fn lines(server: &TestServer, id: RunId, count: usize) {
    eventually("the run has written its lines", SOON, async || {
        (server.output(id).await.len() >= count).then_some(())
    })
    .await;
}

async fn nothing_is_left(namespace: &Namespace) {
    eventually("nothing is left of the run", SOON, async || {
        (namespace.leftovers().await == Leftovers::NONE).then_some(())
    })
    .await;
}
