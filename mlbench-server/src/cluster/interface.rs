//! The interface of every cluster.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mlbench_core::run::{Run, RunSpec};
use mlbench_core::{Error, Pod};
use tokio::sync::watch;

use super::error::ClusterError;
use super::orphans::{OrphanSearch, Orphans};
use super::pod_list::PodListStatus;
use super::provision::{ProvisionRequest, ProvisionStatus, ReleaseStatus};
use super::rank::{DaemonReply, DaemonRequest, Offsets, Output, RankRef, Remaining, Signal, Task};
use super::sample::PodSample;

/// Provides worker pods, and executes runs in them.
///
/// Every method is idempotent: the launcher repeats it after a restart, a timeout or a lost response.
#[async_trait]
pub trait Cluster: Send + Sync {
    /// Returns `local` or `kubernetes`, for logs.
    fn name(&self) -> &'static str;

    /// Returns the current worker pods, ordered by name. Every change wakes the receiver.
    fn pods(&self) -> watch::Receiver<Arc<[Pod]>>;

    /// Returns whether the list of worker pods is known.
    fn pod_list_status(&self) -> PodListStatus {
        PodListStatus::Current
    }

    /// Returns why this server may not act on the cluster, although the cluster responds.
    fn obstacle(&self) -> Option<String> {
        None
    }

    /// Returns the maximum number of workers of a run.
    fn max_workers(&self) -> u32;

    /// Returns the maximum number of CPU cores of a worker. `None` when only its node limits it.
    fn max_cpus(&self) -> Option<f64> {
        None
    }

    /// Returns the number of cores of the machine that runs all workers. `None` when they may be on several.
    fn cores(&self) -> Option<f64> {
        None
    }

    /// Returns what of a run this cluster or its settings never allow, naming the field.
    fn refusal(&self, spec: &RunSpec) -> Option<Error> {
        let _ = spec;
        None
    }

    /// Provides the workers of a run. The launcher repeats it during [`ProvisionStatus::Waiting`].
    ///
    /// # Errors
    /// [`ClusterError::Refused`] when this cluster can never provide them: the run fails with this reason.
    async fn provision(&self, request: &ProvisionRequest<'_>) -> Result<ProvisionStatus, ClusterError>;

    /// Starts the command of one rank, detached, unless an earlier call has started it.
    ///
    /// # Errors
    /// [`ClusterError::Refused`] when it cannot be started, [`ClusterError::Lost`] when the worker no longer exists.
    async fn launch(&self, task: &Task) -> Result<(), ClusterError>;

    /// Returns the output of a launched rank from `from` on, a few megabytes at most.
    ///
    /// Waits up to `timeout` for new output or the exit code.
    ///
    /// # Errors
    /// [`ClusterError::Lost`] when the outcome of this rank can never be known.
    async fn follow(&self, rank: &RankRef, from: Offsets, timeout: Duration) -> Result<Output, ClusterError>;

    /// Returns the requests of a rank for daemons on other workers after request `after`, some at a time.
    ///
    /// # Errors
    /// [`ClusterError::Lost`] when the worker no longer exists.
    async fn daemon_requests(&self, rank: &RankRef, after: u32) -> Result<Vec<DaemonRequest>, ClusterError> {
        let _ = (rank, after);
        Ok(Vec::new())
    }

    /// Replies to requests of a rank.
    ///
    /// # Errors
    /// [`ClusterError::Lost`] when the worker no longer exists.
    async fn reply_to(&self, rank: &RankRef, replies: &[DaemonReply]) -> Result<(), ClusterError> {
        let _ = (rank, replies);
        Ok(())
    }

    /// Signals every process of a rank, and returns what is left of it.
    ///
    /// A rank owns the session of its supervisor and every process with its worker id in the environment. On this
    /// machine it also owns their descendants. In a static pod [`Self::release`] kills those without the mark.
    ///
    /// # Errors
    /// [`ClusterError::Lost`] when the worker no longer exists.
    async fn signal(&self, rank: &RankRef, signal: Signal) -> Result<Remaining, ClusterError>;

    /// Kills the remaining processes of a run, and deletes its files and what was provisioned for it.
    ///
    /// The launcher repeats it until the status is [`ReleaseStatus::Complete`].
    ///
    /// # Errors
    /// [`ClusterError::Unreachable`].
    async fn release(&self, run: &Run) -> Result<ReleaseStatus, ClusterError>;

    /// Deletes what this server has created for unknown runs, as far as the search allows, and logs it.
    ///
    /// No run may be accepted between reading the known runs and this call.
    ///
    /// # Errors
    /// [`ClusterError::Unreachable`].
    async fn remove_orphans(&self, search: &OrphanSearch<'_>) -> Result<Orphans, ClusterError>;

    /// Measures every worker pod, and returns this after the samples taken since the last call.
    ///
    /// The cluster takes samples by itself at the start and the end of each run, so that even a short run has some.
    async fn sample(&self) -> Vec<PodSample>;
}
