//! The local cluster.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mlbench_core::run::{Run, RunSpec};
use mlbench_core::{Error, Pod, PodName, PodPhase};
use tokio::sync::watch;

use super::blocking::blocking;
use super::follow::Follower;
use super::launch;
use super::limits;
use super::needs;
use super::options::Options;
use super::workers::LocalWorkers;
use crate::cluster::error::ClusterError;
use crate::cluster::interface::Cluster;
use crate::cluster::orphans::{OrphanSearch, Orphans};
use crate::cluster::provision::{ProvisionRequest, ProvisionStatus, ReleaseStatus};
use crate::cluster::rank::{Offsets, Output, RankRef, Remaining, Signal, Task};
use crate::cluster::sample::PodSample;

/// The workers of this machine as a cluster.
pub struct LocalCluster {
    pub(super) workers: Arc<LocalWorkers>,
    pods: watch::Sender<Arc<[Pod]>>,
}

impl LocalCluster {
    /// Opens the work directory, with the runs that an earlier server left in it.
    ///
    /// # Errors
    /// When the work directory cannot be created, or this machine has no `/proc`.
    pub fn new(options: Options) -> io::Result<Self> {
        let workers = LocalWorkers::open(options)?;
        let pods = watch::Sender::new(workers.names.iter().map(pod).collect());
        Ok(Self { workers: Arc::new(workers), pods })
    }

    async fn with_workers<T: Send + 'static>(
        &self,
        work: impl FnOnce(&LocalWorkers) -> Result<T, ClusterError> + Send + 'static,
    ) -> Result<T, ClusterError> {
        let workers = self.workers.clone();
        blocking(move || work(&workers)).await
    }
}

fn pod(name: &PodName) -> Pod {
    let labels = [("app", "mlbench"), ("component", "worker"), ("release", "local")];
    Pod {
        name: name.clone(),
        labels: labels
            .iter()
            .map(|&(key, value)| (key.to_owned(), value.to_owned()))
            .collect::<BTreeMap<_, _>>(),
        phase: PodPhase::Running,
        ip: Ipv4Addr::LOCALHOST.to_string(),
    }
}

#[async_trait]
impl Cluster for LocalCluster {
    fn name(&self) -> &'static str {
        "local"
    }

    fn pods(&self) -> watch::Receiver<Arc<[Pod]>> {
        self.pods.subscribe()
    }

    fn obstacle(&self) -> Option<String> {
        self.workers.work_dir.is_full().then(|| "the disk of the workers is full".to_owned())
    }

    fn max_workers(&self) -> u32 {
        u32::try_from(self.workers.names.len()).unwrap_or(u32::MAX)
    }

    fn max_cpus(&self) -> Option<f64> {
        limits::core_count().map(f64::from)
    }

    fn cores(&self) -> Option<f64> {
        limits::core_count().map(f64::from)
    }

    fn refusal(&self, spec: &RunSpec) -> Option<Error> {
        needs::refusal(spec)
    }

    async fn provision(&self, request: &ProvisionRequest<'_>) -> Result<ProvisionStatus, ClusterError> {
        let (run, taken) = (request.run.clone(), request.taken.to_vec());
        self.with_workers(move |workers| workers.provision(&run, &taken)).await
    }

    async fn launch(&self, task: &Task) -> Result<(), ClusterError> {
        launch::unignore_signals().map_err(|error| ClusterError::Unreachable(error.to_string()))?;
        let prepared = task.clone();
        let Some(dir) = self.with_workers(move |workers| workers.prepare(&prepared)).await? else {
            return Ok(());
        };
        let group = limits::group(&task.at);
        launch::start(&self.workers.supervisor, task, &dir, group.as_deref()).await?;
        let pods = [task.at.pod.clone()];
        self.with_workers(move |workers| {
            workers.sampler.record(&pods);
            Ok(())
        })
        .await
    }

    async fn follow(&self, rank: &RankRef, from: Offsets, timeout: Duration) -> Result<Output, ClusterError> {
        let dir = self.workers.work_dir.rank(rank);
        let follower = Follower { dir, rank: rank.rank, boot_id: self.workers.boot_id.clone() };
        follower.next(from, timeout).await
    }

    async fn signal(&self, rank: &RankRef, signal: Signal) -> Result<Remaining, ClusterError> {
        let rank = rank.clone();
        self.with_workers(move |workers| Ok(workers.signal(&rank, signal))).await
    }

    async fn release(&self, run: &Run) -> Result<ReleaseStatus, ClusterError> {
        let run = run.clone();
        self.with_workers(move |workers| workers.release(&run)).await
    }

    async fn remove_orphans(&self, search: &OrphanSearch<'_>) -> Result<Orphans, ClusterError> {
        let (known, OrphanSearch { last_write, purge, .. }) = (search.known.to_vec(), *search);
        let remove = move |workers: &LocalWorkers| {
            workers.remove_orphans(&OrphanSearch { known: &known, last_write, purge })
        };
        self.with_workers(remove).await
    }

    async fn sample(&self) -> Vec<PodSample> {
        self.with_workers(|workers| Ok(workers.sampler.sample(&workers.names))).await.unwrap_or_else(
            |error| {
                tracing::error!(%error, "cannot measure the workers");
                Vec::new()
            },
        )
    }
}
