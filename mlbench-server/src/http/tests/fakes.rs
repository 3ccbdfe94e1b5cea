//! A cluster and a launcher that run no process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use mlbench_core::run::{Run, RunOutcome, Worker};
use mlbench_core::{Pod, PodName, PodPhase, RunEvent, RunId};
use tokio::sync::watch;

use crate::app::App;
use crate::cluster::{
    Cluster, ClusterError, Offsets, OrphanSearch, Orphans, Output, PodListStatus, PodSample,
    ProvisionRequest, ProvisionStatus, RankRef, ReleaseStatus, Remaining, Signal, Task,
};

/// The pods of the specification's examples.
pub(super) const PODS: [&str; 2] = ["quiet-mink-mlbench-worker-0", "quiet-mink-mlbench-worker-1"];

/// A cluster that has pods and a number of workers, and refuses everything else.
pub(super) struct FakeCluster {
    max_workers: AtomicU32,
    /// Whether its pods are unknown.
    silent: AtomicBool,
    pods: watch::Sender<Arc<[Pod]>>,
}

impl FakeCluster {
    /// A number of workers that makes `max_workers` panic.
    const PANIC: u32 = u32::MAX;
    /// A number of workers that makes the next call of `max_workers` panic.
    const PANIC_ONCE: u32 = u32::MAX - 1;
    const WORKERS: u32 = 4;

    pub(super) fn set_max_workers(&self, workers: u32) {
        self.max_workers.store(workers, Ordering::Relaxed);
    }

    /// Makes the pods unknown from now on.
    pub(super) fn fall_silent(&self) {
        self.silent.store(true, Ordering::Relaxed);
    }

    /// Makes every later call of `max_workers` panic.
    pub(super) fn panic_from_now_on(&self) {
        self.set_max_workers(Self::PANIC);
    }

    /// Makes the next call of `max_workers` panic.
    pub(super) fn panic_once(&self) {
        self.set_max_workers(Self::PANIC_ONCE);
    }
}

impl Default for FakeCluster {
    fn default() -> Self {
        let (max_workers, silent) = (AtomicU32::new(Self::WORKERS), AtomicBool::new(false));
        Self { max_workers, silent, pods: watch::Sender::new(Arc::from(PODS.map(pod))) }
    }
}

fn unsupported<T>() -> Result<T, ClusterError> {
    Err(ClusterError::Refused("the fake cluster runs nothing".to_owned()))
}

#[async_trait]
impl Cluster for FakeCluster {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn pods(&self) -> watch::Receiver<Arc<[Pod]>> {
        self.pods.subscribe()
    }

    fn pod_list_status(&self) -> PodListStatus {
        if self.silent.load(Ordering::Relaxed) { PodListStatus::Unknown } else { PodListStatus::Current }
    }

    fn max_workers(&self) -> u32 {
        let workers = self.max_workers.load(Ordering::Relaxed);
        assert!(workers != Self::PANIC, "the cluster panics at 10.0.0.1");
        if workers == Self::PANIC_ONCE {
            self.set_max_workers(Self::WORKERS);
            panic!("the cluster panics once");
        }
        workers
    }

    fn max_cpus(&self) -> Option<f64> {
        Some(8.0)
    }

    async fn provision(&self, _: &ProvisionRequest<'_>) -> Result<ProvisionStatus, ClusterError> {
        unsupported()
    }

    async fn launch(&self, _: &Task) -> Result<(), ClusterError> {
        unsupported()
    }

    async fn follow(&self, _: &RankRef, _: Offsets, _: Duration) -> Result<Output, ClusterError> {
        unsupported()
    }

    async fn signal(&self, _: &RankRef, _: Signal) -> Result<Remaining, ClusterError> {
        unsupported()
    }

    async fn release(&self, _: &Run) -> Result<ReleaseStatus, ClusterError> {
        unsupported()
    }

    async fn remove_orphans(&self, _: &OrphanSearch<'_>) -> Result<Orphans, ClusterError> {
        unsupported()
    }

    async fn sample(&self) -> Vec<PodSample> {
        Vec::new()
    }
}

/// A running worker pod with the labels of the specification's example.
pub(super) fn pod(name: &str) -> Pod {
    let labels = [("app", "mlbench"), ("component", "worker"), ("release", "quiet-mink")];
    Pod {
        name: PodName::new(name).unwrap(),
        labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        phase: PodPhase::Running,
        ip: "10.244.2.58".to_owned(),
    }
}

/// The worker on a pod.
pub(super) fn worker(pod: &str) -> Worker {
    Worker { pod: PodName::new(pod).unwrap(), host: "h".to_owned(), port: 1 }
}

/// Starts, stops and tears down runs in the store, immediately after each request.
pub(super) async fn run_fake_launcher(app: App) {
    loop {
        app.launcher.woken().await;
        for run in app.storage.active_runs().await.unwrap() {
            if run.stop_requested_at.is_some() {
                end_run(&app, run.id, RunEvent::Stop).await;
            } else if !run.is_queued() {
                app.storage.assign_workers(run.id, PODS.map(worker).into()).await.unwrap();
                app.storage.run_started(run.id, 2, app.clock.now()).await.unwrap();
            }
        }
        for run in app.storage.deleted_runs().await.unwrap() {
            app.storage.finish_teardown(run.id).await.unwrap();
        }
        app.launcher.changed();
    }
}

/// Ends a run in the store.
pub(super) async fn end_run(app: &App, id: RunId, event: RunEvent) {
    let outcome = RunOutcome { event, reason: None, at: app.clock.now() };
    app.storage.decide_outcome(id, outcome).await.unwrap();
    app.storage.end_run(id).await.unwrap();
}
