//! The methods of a Kubernetes cluster.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mlbench_core::run::{Run, RunSpec};
use mlbench_core::{Error, Pod};
use tokio::sync::watch;

use super::connection::KubernetesCluster;
use super::options::Cpu;
use super::provision::{access, limits};
use crate::cluster::error::ClusterError;
use crate::cluster::interface::Cluster;
use crate::cluster::orphans::{OrphanSearch, Orphans};
use crate::cluster::pod_list::PodListStatus;
use crate::cluster::provision::{ProvisionRequest, ProvisionStatus, ReleaseStatus};
use crate::cluster::rank::{DaemonReply, DaemonRequest, Offsets, Output, RankRef, Remaining, Signal, Task};
use crate::cluster::sample::PodSample;

#[async_trait]
impl Cluster for KubernetesCluster {
    fn name(&self) -> &'static str {
        "kubernetes"
    }

    fn pods(&self) -> watch::Receiver<Arc<[Pod]>> {
        self.watch.receiver()
    }

    fn pod_list_status(&self) -> PodListStatus {
        self.watch.status()
    }

    fn obstacle(&self) -> Option<String> {
        self.lease.obstacle()
    }

    fn max_workers(&self) -> u32 {
        self.options.max_workers
    }

    fn max_cpus(&self) -> Option<f64> {
        self.options.worker_max_cpu.map(Cpu::cores)
    }

    fn refusal(&self, spec: &RunSpec) -> Option<Error> {
        access::refusal(spec, &self.options)
    }

    async fn provision(&self, request: &ProvisionRequest<'_>) -> Result<ProvisionStatus, ClusterError> {
        if let Some(why) = limits::violation(request.run, &self.options) {
            return Err(ClusterError::Refused(why));
        }
        self.lease.check()?;
        match &request.run.spec.image {
            Some(image) => self.provision_worker_set(image, request).await,
            None => self.provision_static_workers(request).await,
        }
    }

    async fn launch(&self, task: &Task) -> Result<(), ClusterError> {
        self.lease.check()?;
        self.launch_rank(task).await
    }

    async fn follow(&self, rank: &RankRef, from: Offsets, timeout: Duration) -> Result<Output, ClusterError> {
        self.lease.check()?;
        self.follow_rank(rank, from, timeout).await
    }

    async fn daemon_requests(&self, rank: &RankRef, after: u32) -> Result<Vec<DaemonRequest>, ClusterError> {
        self.lease.check()?;
        self.requests_of_rank(rank, after).await
    }

    async fn reply_to(&self, rank: &RankRef, replies: &[DaemonReply]) -> Result<(), ClusterError> {
        self.lease.check()?;
        self.reply_to_rank(rank, replies).await
    }

    async fn signal(&self, rank: &RankRef, signal: Signal) -> Result<Remaining, ClusterError> {
        self.lease.check()?;
        self.signal_rank(rank, signal).await
    }

    async fn release(&self, run: &Run) -> Result<ReleaseStatus, ClusterError> {
        self.lease.check()?;
        self.tear_down(run).await
    }

    async fn remove_orphans(&self, search: &OrphanSearch<'_>) -> Result<Orphans, ClusterError> {
        self.lease.check()?;
        self.tear_down_unknown(search).await
    }

    async fn sample(&self) -> Vec<PodSample> {
        self.kubelets.sample(&self.watch.described()).await
    }
}
