//! The cluster of a server that only reads: it has no pods, and executes nothing.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mlbench_core::run::{Run, RunSpec};
use mlbench_core::{Error, ErrorCode, Pod};
use tokio::sync::watch;

use super::error::ClusterError;
use super::interface::Cluster;
use super::orphans::{OrphanSearch, Orphans};
use super::provision::{ProvisionRequest, ProvisionStatus, ReleaseStatus};
use super::rank::{Offsets, Output, RankRef, Remaining, Signal, Task};
use super::sample::PodSample;

/// Why this cluster executes nothing.
const READ_ONLY: &str = "this server is read-only and starts no runs; use the server that writes";
/// Requests of any size get the same refusal.
const MAX_WORKERS: u32 = 1_024;

/// A cluster without pods.
pub struct NoCluster(watch::Sender<Arc<[Pod]>>);

impl Default for NoCluster {
    fn default() -> Self {
        Self(watch::Sender::new(Arc::new([])))
    }
}

fn refused<T>() -> Result<T, ClusterError> {
    Err(ClusterError::Refused(READ_ONLY.to_owned()))
}

#[async_trait]
impl Cluster for NoCluster {
    fn name(&self) -> &'static str {
        "none"
    }

    fn pods(&self) -> watch::Receiver<Arc<[Pod]>> {
        self.0.subscribe()
    }

    fn max_workers(&self) -> u32 {
        MAX_WORKERS
    }

    fn refusal(&self, _: &RunSpec) -> Option<Error> {
        Some(Error::new(ErrorCode::Forbidden, READ_ONLY))
    }

    async fn provision(&self, _: &ProvisionRequest<'_>) -> Result<ProvisionStatus, ClusterError> {
        refused()
    }

    async fn launch(&self, _: &Task) -> Result<(), ClusterError> {
        refused()
    }

    async fn follow(&self, _: &RankRef, _: Offsets, _: Duration) -> Result<Output, ClusterError> {
        refused()
    }

    async fn signal(&self, _: &RankRef, _: Signal) -> Result<Remaining, ClusterError> {
        refused()
    }

    async fn release(&self, _: &Run) -> Result<ReleaseStatus, ClusterError> {
        refused()
    }

    async fn remove_orphans(&self, _: &OrphanSearch<'_>) -> Result<Orphans, ClusterError> {
        refused()
    }

    async fn sample(&self) -> Vec<PodSample> {
        Vec::new()
    }
}
