//! [`Cluster`]: where worker pods come from and what can be done in them.
//!
//! Two implementors: [`local`], processes of this machine, the default, and [`kubernetes`]. Every method is idempotent:
//! the launcher repeats it after a restart, a timeout or a lost answer. In every worker the same small supervisor
//! (`supervisor.sh`) starts the command detached, with output, identity and exit code in files, so that a run does
//! not hang on a connection to this server.

pub mod kubernetes;
pub mod local;
pub mod supervisor;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use mlbench_core::run::{Run, RunKey, Worker};
use mlbench_core::{Pod, PodName, Timestamp};
use tokio::sync::watch;

use crate::token::Token;

/// Worker pods, and the execution of runs in them.
#[async_trait]
pub trait Cluster: Send + Sync {
    /// `local` or `kubernetes`, for logs.
    fn name(&self) -> &'static str;

    /// The worker pods that are there now, by name. The receiver is woken by every change.
    fn pods(&self) -> watch::Receiver<Arc<[Pod]>>;

    /// The most workers that a run can have.
    fn max_workers(&self) -> u32;

    /// Makes the workers of a run be there. Asked again and again while it answers [`ProvisionStatus::Waiting`].
    ///
    /// # Errors
    /// [`ClusterError::Refused`] when they can never be had: the run fails with this reason.
    async fn provision(&self, claim: &ProvisionRequest<'_>) -> Result<ProvisionStatus, ClusterError>;

    /// Starts the command of one rank, detached, unless it was started before.
    ///
    /// # Errors
    /// [`ClusterError::Refused`] when it cannot be started, [`ClusterError::Lost`] when the worker is gone.
    async fn launch(&self, task: &Task) -> Result<(), ClusterError>;

    /// What a rank that was launched has written after `from`, at most some megabytes. Waits up to `timeout` for something to report.
    ///
    /// # Errors
    /// [`ClusterError::Lost`] when the outcome of this rank can never be known.
    async fn follow(&self, rank: &RankRef, from: Offsets, timeout: Duration) -> Result<Output, ClusterError>;

    /// Sends a signal to everything that belongs to a rank (its session, and every process that bears its worker id),
    /// and says how many processes of it are left.
    ///
    /// # Errors
    /// [`ClusterError::Lost`] when the worker is gone.
    async fn signal(&self, rank: &RankRef, signal: Signal) -> Result<usize, ClusterError>;

    /// Leaves nothing of a run: kills what remains of its processes, removes its files and what was provisioned for it.
    /// Asked again and again until it answers [`ReleaseStatus::Complete`].
    ///
    /// # Errors
    /// [`ClusterError::Unreachable`].
    async fn release(&self, run: &Run) -> Result<ReleaseStatus, ClusterError>;

    /// Removes what earlier lives of this server made for runs that are none of `known`, and says how much of it was
    /// found; 0 when nothing is left. `known` are the active runs and those being deleted: nothing else may have workers, and
    /// no run may be accepted between reading them and this call.
    ///
    /// # Errors
    /// [`ClusterError::Unreachable`].
    async fn remove_orphans(&self, known: &[RunKey]) -> Result<usize, ClusterError> {
        let _none_are_made = known;
        Ok(0)
    }

    /// What every worker pod uses now, after the samples that the cluster took by itself since the last call: at the
    /// start and the end of runs, however short. Each bears its own date.
    async fn sample(&self) -> Vec<PodSample>;
}

/// What the workers of a run are asked for with.
#[derive(Debug, Clone, Copy)]
pub struct ProvisionRequest<'a> {
    /// The run.
    pub run: &'a Run,
    /// Standing workers that other runs hold.
    pub taken: &'a [PodName],
    /// What its workers show when they post metrics; `None` when this server asks for no token. It is in the environment
    /// of every [`Task`] too. After a restart of the server it is another one, and the one before stays good.
    pub token: Option<&'a Token>,
}

impl<'a> ProvisionRequest<'a> {
    /// The claim of a run that is alone on a server without tokens.
    #[must_use]
    pub const fn of(run: &'a Run) -> Self {
        Self { run, taken: &[], token: None }
    }
}

/// Whether the workers of a run are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProvisionStatus {
    /// All are, in the order of their ranks. `notes` are for the run's log (how a limit is kept, what is ignored).
    Ready {
        /// The workers.
        workers: Vec<Worker>,
        /// Sentences for the run's log.
        notes: Vec<String>,
    },
    /// Some still have to come up.
    Waiting {
        /// What is missing, in words.
        missing: Vec<String>,
    },
}

/// Whether anything of a run is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseStatus {
    /// Nothing is.
    Complete,
    /// Something still is; ask again.
    Pending,
}

/// One rank of a run in its pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankRef {
    /// The run.
    pub run: RunKey,
    /// The rank.
    pub rank: u32,
    /// Where it runs.
    pub pod: PodName,
}

/// What one rank is to execute.
#[derive(Clone, PartialEq)]
pub struct Task {
    /// Which rank, where.
    pub at: RankRef,
    /// Program and arguments, placeholders replaced.
    pub argv: Vec<String>,
    /// What is added to the worker's environment.
    pub env: Vec<(String, String)>,
    /// Cores it may use; `None` for all.
    pub num_cpus: Option<f64>,
}

/// Without the values in its environment, one of which is a token.
impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let env: Vec<&str> = self.env.iter().map(|(name, _)| name.as_str()).collect();
        let mut task = f.debug_struct("Task");
        task.field("at", &self.at).field("argv", &self.argv).field("env", &env);
        task.field("num_cpus", &self.num_cpus).finish()
    }
}

/// How far the output of a rank was read, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Offsets {
    /// Of its standard output.
    pub stdout: u64,
    /// Of its standard error.
    pub stderr: u64,
}

/// A piece of a rank's output and how the rank is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Bytes of the standard output from the offset on.
    pub stdout: Bytes,
    /// Bytes of the standard error from the offset on.
    pub stderr: Bytes,
    /// The exit code. Only given when nothing remains to be read after these bytes.
    pub exit_code: Option<i32>,
}

/// The two signals of a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM.
    Term,
    /// SIGKILL.
    Kill,
}

/// What a pod used up to a moment, or uses in it.
#[derive(Debug, Clone, PartialEq)]
pub struct PodSample {
    /// The pod.
    pub pod: PodName,
    /// When it was measured.
    pub date: Timestamp,
    /// Values by cAdvisor's names. Those that end in `_total` are cumulative and never fall.
    pub values: Vec<(&'static str, f64)>,
}

/// Why a cluster did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// It does not answer now; the same call may succeed later.
    #[error("the cluster cannot be reached: {0}")]
    Unreachable(String),
    /// The worker is gone, or its process is without having left an exit code; says which rank and why in words, and
    /// becomes the reason of the run.
    #[error("{0}")]
    Lost(String),
    /// It will never do this; says why in words, and becomes the reason of the run.
    #[error("{0}")]
    Refused(String),
}
