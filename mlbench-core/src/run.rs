//! Runs: specification, state machine and outcome.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::labels::{Params, Tags};
use crate::name::{PodName, RunId, RunName};
use crate::needs::RunNeeds;
use crate::origin::ImportedFrom;
use crate::quote::quote;
use crate::time::Timestamp;

/// Lifecycle state of a run, uppercase on the wire as in the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum RunState {
    /// Accepted, waiting in the queue or for its workers to start.
    Initialized,
    /// The command runs on the workers.
    Started,
    /// Every rank exited with code 0, or the run reached the goal that ends it. `reason` names the point.
    Finished,
    /// A rank failed, a worker was lost or the workers could not be provided. `reason` says which.
    Failed,
    /// Stopped on request.
    Stopped,
    /// A state of a newer server that this version does not know. Never stored.
    #[cfg_attr(test, ts(skip), schemars(skip))]
    #[serde(other)]
    Unknown,
}

/// An event in the life of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunEvent {
    /// The command was started on all of its ranks.
    Start,
    /// Every rank exited with code 0, or the run reached the goal that ends it.
    Finish,
    /// The run failed.
    Fail,
    /// The run was stopped on request, and none of its processes is left.
    Stop,
}

impl RunState {
    /// All known states, in lifecycle order.
    pub const ALL: [Self; 5] =
        [Self::Initialized, Self::Started, Self::Finished, Self::Failed, Self::Stopped];

    /// Returns the name of the state in the specification.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initialized => "INITIALIZED",
            Self::Started => "STARTED",
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
            Self::Stopped => "STOPPED",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// Returns whether the run holds workers or waits for some.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Initialized | Self::Started)
    }

    /// Returns the state after `event`. `None` when the event cannot occur in this state.
    ///
    /// The state of an ended run never changes.
    #[must_use]
    pub const fn after(self, event: RunEvent) -> Option<Self> {
        match (self, event) {
            (Self::Initialized, RunEvent::Start) => Some(Self::Started),
            (Self::Started, RunEvent::Finish) => Some(Self::Finished),
            (Self::Initialized | Self::Started, RunEvent::Fail) => Some(Self::Failed),
            (Self::Initialized | Self::Started, RunEvent::Stop) => Some(Self::Stopped),
            _ => None,
        }
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for RunState {
    type Err = Error;
    fn from_str(word: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == word);
        found.ok_or_else(|| Error::invalid("state", format_args!("unknown run state {}", quote(word))))
    }
}

/// Communication backend of a run, which decides on which workers the command is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// Open MPI. The command runs once, on the first worker, prefixed with mpirun.
    Mpi,
    /// Gloo. The command runs on every worker.
    Gloo,
    /// NCCL. The command runs on every worker.
    Nccl,
    /// A user-defined backend.
    Custom {
        /// Replacement for `{backend}` in the command.
        name: String,
        /// Whether the command runs on every worker instead of only the first.
        run_all_nodes: bool,
    },
}

impl Backend {
    /// Returns the replacement for `{backend}` in the command.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Mpi => "mpi",
            Self::Gloo => "gloo",
            Self::Nccl => "nccl",
            Self::Custom { name, .. } => name,
        }
    }

    /// Returns whether the command runs only on the first worker.
    #[must_use]
    pub const fn first_worker_only(&self) -> bool {
        matches!(self, Self::Mpi | Self::Custom { run_all_nodes: false, .. })
    }
}

/// The validated specification of a run, with all defaults filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSpec {
    /// Number of workers, at least 1.
    pub num_workers: u32,
    /// CPU cores per worker, possibly fractional. `None` for no limit.
    pub num_cpus: Option<f64>,
    /// Bandwidth between workers in megabits per second. Stored but not enforced.
    pub max_bandwidth: Option<f64>,
    /// Container image. `None` runs on the static workers.
    pub image: Option<String>,
    /// Command before placeholders are replaced, at least one shell word.
    pub command: String,
    /// Communication backend. `None` starts the command on every worker.
    pub backend: Option<Backend>,
    /// Whether to request GPUs.
    pub gpu_enabled: bool,
    /// Whether to train to the light goal.
    pub light_target: bool,
    /// Whether to use Horovod.
    pub use_horovod: bool,
    /// Environment variables of the command.
    #[serde(default)]
    pub environment: Environment,
    /// What it asks of every worker.
    #[serde(flatten)]
    pub needs: RunNeeds,
    /// Whether the run executes elsewhere and only reports here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub external: bool,
}

impl NewRun {
    /// Creates a run without parameters and tags.
    #[must_use]
    pub fn new(name: RunName, job_id: Uuid, spec: RunSpec) -> Self {
        Self { name, job_id, spec, params: Params::default(), tags: Tags::default() }
    }
}

impl RunSpec {
    /// Creates a spec that runs `command` on one static worker, with every option off. For tests.
    #[doc(hidden)]
    pub fn running(command: impl Into<String>) -> Self {
        Self {
            num_workers: 1,
            num_cpus: None,
            max_bandwidth: None,
            image: None,
            command: command.into(),
            backend: None,
            gpu_enabled: false,
            light_target: false,
            use_horovod: false,
            environment: Environment::default(),
            needs: RunNeeds::default(),
            external: false,
        }
    }

    /// Returns the number of ranks on which the command is started: all workers or only the first.
    #[must_use]
    pub fn started_ranks(&self) -> u32 {
        let first_only = self.backend.as_ref().is_some_and(Backend::first_worker_only);
        if first_only { 1 } else { self.num_workers }
    }
}

/// A run to store, complete except for the id that the store assigns.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// Name of the run.
    pub name: RunName,
    /// Random id of the job, chosen by the caller.
    pub job_id: Uuid,
    /// Specification of the run.
    pub spec: RunSpec,
    /// What the run was given, by name.
    pub params: Params,
    /// What people sort it by.
    pub tags: Tags,
}

/// A worker of a run.
///
/// The store records the workers before anything is started, so that a restarted server uses the same ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// Pod of the worker.
    pub pod: PodName,
    /// Host name or address at which other workers reach this one (`{hosts}`).
    pub host: String,
    /// TCP port reserved for this worker during the run (`{addresses}`).
    pub port: u16,
}

/// The outcome of a run, decided once, before its workers are released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOutcome {
    /// [`Finish`](RunEvent::Finish), [`Fail`](RunEvent::Fail) or [`Stop`](RunEvent::Stop).
    pub event: RunEvent,
    /// Why the run failed, or which point reached the goal that ended it.
    pub reason: Option<String>,
    /// Time of the decision, which becomes `finished_at`.
    pub at: Timestamp,
}

/// State of a started rank and of the collection of its output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RankStatus {
    /// Index of the worker within the run, from 0.
    pub rank: u32,
    /// Number of bytes of standard output that are stored.
    pub stdout_offset: u64,
    /// Number of bytes of standard error that are stored.
    pub stderr_offset: u64,
    /// Exit code. `None` while the rank runs, or when the code cannot be known (see `lost`).
    pub exit_code: Option<i32>,
    /// Why the exit code cannot be known (the pod is gone, the machine was rebooted).
    pub lost: Option<String>,
}

impl RankStatus {
    /// Creates the status of a rank whose output has not been read yet.
    #[must_use]
    pub const fn new(rank: u32) -> Self {
        Self { rank, stdout_offset: 0, stderr_offset: 0, exit_code: None, lost: None }
    }

    /// Returns whether the rank exited or was lost.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        self.exit_code.is_some() || self.lost.is_some()
    }
}

/// A stored run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Id of the run.
    pub id: RunId,
    /// Name of the run.
    pub name: RunName,
    /// Time when the run was accepted.
    pub created_at: Timestamp,
    /// Time when the run left the queue. `None` while it waits.
    pub admitted_at: Option<Timestamp>,
    /// Time when the run ended.
    pub finished_at: Option<Timestamp>,
    /// Lifecycle state.
    pub state: RunState,
    /// Random id of the job.
    pub job_id: Uuid,
    /// Specification of the run.
    pub spec: RunSpec,
    /// What the run was given, by name.
    pub params: Params,
    /// What people sort it by.
    pub tags: Tags,
    /// Workers in rank order, empty until they are assigned.
    pub workers: Vec<Worker>,
    /// Ranks on which the command was started, in order, empty before [`RunState::Started`].
    pub ranks: Vec<RankStatus>,
    /// Time of the first stop request.
    pub stop_requested_at: Option<Timestamp>,
    /// Outcome of the run once it is decided. The state follows when the workers are released.
    pub outcome: Option<RunOutcome>,
    /// Where the run comes from, if it was imported.
    pub imported_from: Option<ImportedFrom>,
}

impl Run {
    /// Returns whether the run waits in the queue.
    #[must_use]
    pub const fn is_queued(&self) -> bool {
        self.state.is_active() && self.admitted_at.is_none()
    }

    /// Returns why the run failed, or which point reached the goal that ended it.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.outcome.as_ref()?.reason.as_deref()
    }

    /// Returns the known exit codes by rank.
    #[must_use]
    pub fn exit_codes(&self) -> BTreeMap<u32, i32> {
        self.ranks.iter().filter_map(|rank| Some((rank.rank, rank.exit_code?))).collect()
    }
}

/// A globally unique key of a run.
///
/// The id alone is not enough, because two servers may both have a run 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RunKey {
    /// Id of the run on its server.
    pub id: RunId,
    /// Random id of the job.
    pub job_id: Uuid,
}

impl From<&Run> for RunKey {
    fn from(run: &Run) -> Self {
        Self { id: run.id, job_id: run.job_id }
    }
}

/// An output stream of a rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error, and the server messages of a run.
    Stderr,
    /// A stream of a newer server that this version does not know. Never stored.
    #[cfg_attr(test, ts(skip), schemars(skip))]
    #[serde(other)]
    Unknown,
}

impl OutputStream {
    /// Returns the wire form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::Unknown => "unknown",
        }
    }

    /// Returns the name in messages. Server messages go to standard error.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Stdout => "standard output",
            Self::Stderr | Self::Unknown => "standard error",
        }
    }
}

#[cfg(test)]
mod tests;
