//! Runs: what is asked for, what becomes of it, and the state machine between the two.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::name::{PodName, RunId, RunName};
use crate::time::Timestamp;

/// Where a run is in its life; upper case on the wire, as in the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RunState {
    /// Accepted; it waits for its turn, or for its workers to come up.
    Initialized,
    /// Its command runs on the workers.
    Started,
    /// Every rank ended with exit code 0.
    Finished,
    /// A rank ended badly, a worker was lost or none could be had; `reason` says which.
    Failed,
    /// Ended because somebody asked for it.
    Stopped,
}

/// What happens to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunEvent {
    /// The command was started on every rank that runs it.
    Start,
    /// Every rank ended with exit code 0.
    Finish,
    /// It cannot end well any more.
    Fail,
    /// It was stopped on request, and nothing of it is left.
    Stop,
}

impl RunState {
    /// All states, in the order of a life.
    pub const ALL: [Self; 5] =
        [Self::Initialized, Self::Started, Self::Finished, Self::Failed, Self::Stopped];

    /// The word of the specification.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initialized => "INITIALIZED",
            Self::Started => "STARTED",
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
            Self::Stopped => "STOPPED",
        }
    }

    /// Whether the run has not ended: it holds workers, or waits for some.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Initialized | Self::Started)
    }

    /// The state after `event`; `None` when the event cannot happen to a run in this state.
    ///
    /// An ended run never changes again.
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
    type Err = crate::Error;
    fn from_str(word: &str) -> crate::Result<Self> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == word);
        found.ok_or_else(|| crate::Error::invalid("state", format_args!("{word:?} is no state of a run")))
    }
}

/// How the ranks of a run find each other, which decides where its command is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// Open MPI: the command runs once, on the first worker, behind the mpirun prefix.
    Mpi,
    /// Gloo: once on every worker.
    Gloo,
    /// NCCL: once on every worker.
    Nccl,
    /// Anything else, under its own name.
    Custom {
        /// What `{backend}` becomes.
        name: String,
        /// Whether the command runs on every worker or only on the first.
        run_all_nodes: bool,
    },
}

impl Backend {
    /// What `{backend}` becomes in the command.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Mpi => "mpi",
            Self::Gloo => "gloo",
            Self::Nccl => "nccl",
            Self::Custom { name, .. } => name,
        }
    }

    /// Whether the command is started on the first worker only.
    #[must_use]
    pub const fn first_worker_only(&self) -> bool {
        matches!(self, Self::Mpi | Self::Custom { run_all_nodes: false, .. })
    }
}

/// What a run is to do, complete: defaults are filled in, everything was checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSpec {
    /// Number of workers, at least 1.
    pub num_workers: u32,
    /// Cores per worker, may be fractional; `None` leaves them unlimited.
    pub num_cpus: Option<f64>,
    /// Megabits per second between workers; stored, not enforced.
    pub max_bandwidth: Option<f64>,
    /// The container image; `None` runs on the standing workers.
    pub image: Option<String>,
    /// The command before placeholders are replaced, split by shell-word rules, at least one word.
    pub command: String,
    /// How ranks find each other; `None` starts the command on every worker.
    pub backend: Option<Backend>,
    /// Ask for GPUs and append `--gpu`.
    pub gpu_enabled: bool,
    /// Train to the light goal: append `--light`.
    pub light_target: bool,
    /// Append `--horovod`.
    pub use_horovod: bool,
}

impl RunSpec {
    /// The ranks that the command is started on: all workers, or the first.
    #[must_use]
    pub fn started_ranks(&self) -> u32 {
        let first_only = self.backend.as_ref().is_some_and(Backend::first_worker_only);
        if first_only { 1 } else { self.num_workers }
    }
}

/// A run to be: everything about it but the number that the store gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// Its name.
    pub name: RunName,
    /// Its job, chosen at random by the caller.
    pub job_id: Uuid,
    /// What it is to do.
    pub spec: RunSpec,
}

/// A worker of a run, chosen before anything is started and kept, so that a restarted server starts the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// The pod.
    pub pod: PodName,
    /// The name or address under which the other workers reach it (`{hosts}`).
    pub host: String,
    /// The TCP port that is its own for this run (`{addresses}`).
    pub port: u16,
}

/// How a run is going to end: decided once, before its workers are released; the first decision stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOutcome {
    /// `Finish`, `Fail` or `Stop`.
    pub event: RunEvent,
    /// Why, in words; only failures have a reason.
    pub reason: Option<String>,
    /// When; becomes `finished_at`.
    pub at: Timestamp,
}

/// Where one started rank is, and how far its output was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RankStatus {
    /// The number of the worker within the run, from 0.
    pub rank: u32,
    /// Bytes of the standard output that are stored.
    pub stdout_offset: u64,
    /// Bytes of the standard error that are stored.
    pub stderr_offset: u64,
    /// How it ended; `None` while it runs, or when that can never be known (see `lost`).
    pub exit_code: Option<i32>,
    /// Why its end can never be known, in words (the pod is gone, the machine was rebooted).
    pub lost: Option<String>,
}

impl RankStatus {
    /// A rank of which nothing has been read yet.
    #[must_use]
    pub const fn new(rank: u32) -> Self {
        Self { rank, stdout_offset: 0, stderr_offset: 0, exit_code: None, lost: None }
    }

    /// Whether nothing more will come from it.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        self.exit_code.is_some() || self.lost.is_some()
    }
}

/// A stored run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// Its name.
    pub name: RunName,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it was given its share of the workers; `None` while it waits in the queue.
    pub admitted_at: Option<Timestamp>,
    /// When it ended, however it did.
    pub finished_at: Option<Timestamp>,
    /// Where it is in its life.
    pub state: RunState,
    /// Its job.
    pub job_id: Uuid,
    /// What it is to do.
    pub spec: RunSpec,
    /// Its workers in the order of their ranks; empty until they are known.
    pub workers: Vec<Worker>,
    /// The ranks that the command was started on, in order; empty before `Started`.
    pub ranks: Vec<RankStatus>,
    /// When somebody asked for its end.
    pub stop_requested_at: Option<Timestamp>,
    /// How it ends, from the moment that is decided; the state follows when its workers are released.
    pub ending: Option<RunOutcome>,
}

impl Run {
    /// Whether it waits in the queue: accepted, and without a share of the workers.
    #[must_use]
    pub const fn is_queued(&self) -> bool {
        self.state.is_active() && self.admitted_at.is_none()
    }

    /// Why it failed, in words.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.ending.as_ref()?.reason.as_deref()
    }

    /// The exit codes that are known, by rank.
    #[must_use]
    pub fn exit_codes(&self) -> BTreeMap<u32, i32> {
        self.ranks.iter().filter_map(|rank| Some((rank.rank, rank.exit_code?))).collect()
    }
}

/// The identity of a run that is unique in the world: two servers may both have a run 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RunKey {
    /// Its number on this server.
    pub id: RunId,
    /// Its job.
    pub job_id: Uuid,
}

impl From<&Run> for RunKey {
    fn from(run: &Run) -> Self {
        Self { id: run.id, job_id: run.job_id }
    }
}

/// The two output streams of a rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error; the server's own notes on a run are written there too.
    Stderr,
}

impl OutputStream {
    /// The wire form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ended_run_never_changes_again() {
        for state in RunState::ALL.into_iter().filter(|state| !state.is_active()) {
            for event in [RunEvent::Start, RunEvent::Finish, RunEvent::Fail, RunEvent::Stop] {
                assert_eq!(state.after(event), None, "{state} after {event:?}");
            }
        }
    }

    #[test]
    fn a_run_starts_once_and_finishes_only_after_it_started() {
        assert_eq!(RunState::Initialized.after(RunEvent::Start), Some(RunState::Started));
        assert_eq!(RunState::Started.after(RunEvent::Start), None);
        assert_eq!(RunState::Initialized.after(RunEvent::Finish), None);
        assert_eq!(RunState::Started.after(RunEvent::Finish), Some(RunState::Finished));
    }

    #[test]
    fn an_active_run_can_always_fail_and_be_stopped() {
        for state in [RunState::Initialized, RunState::Started] {
            assert_eq!(state.after(RunEvent::Fail), Some(RunState::Failed));
            assert_eq!(state.after(RunEvent::Stop), Some(RunState::Stopped));
        }
    }

    #[test]
    fn every_state_reads_back_from_its_word() {
        for state in RunState::ALL {
            assert_eq!(state.as_str().parse::<RunState>().unwrap(), state);
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
    }

    #[test]
    fn mpi_starts_on_the_first_worker_and_gloo_on_all() {
        let custom = |run_all_nodes| Backend::Custom { name: "x".to_owned(), run_all_nodes };
        assert!(Backend::Mpi.first_worker_only() && custom(false).first_worker_only());
        assert!(
            !Backend::Gloo.first_worker_only()
                && !Backend::Nccl.first_worker_only()
                && !custom(true).first_worker_only()
        );
    }
}
