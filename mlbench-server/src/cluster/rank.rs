//! One rank of a run: where it runs, what it executes and what it writes.

use std::fmt;

use bytes::Bytes;
use mlbench_core::run::{OutputStream, RunKey};
use mlbench_core::{PodName, Timestamp};

/// One rank of a run in its pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankRef {
    /// The run.
    pub run: RunKey,
    /// The rank.
    pub rank: u32,
    /// The pod that executes it.
    pub pod: PodName,
    /// The request of the first worker that started this on another one, or `None` for the rank itself.
    pub daemon: Option<u32>,
}

/// A request of the command on the first worker to start a daemon on another one, as `mpirun` makes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaemonRequest {
    /// The number of the request, from 1 on.
    pub number: u32,
    /// The host and the command line, or why the request cannot be read.
    pub wanted: Result<Wanted, String>,
    /// Whether the daemon was started, or `None` before the reply.
    pub reply: Option<bool>,
}

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The host, which may be none of the run.
    pub host: String,
    /// A line for a shell.
    pub command: String,
}

/// The outcome of a request: nothing, or why the daemon was not started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaemonReply {
    /// The number of the request.
    pub number: u32,
    /// Why the daemon was not started.
    pub refusal: Option<String>,
}

/// The command of one rank.
#[derive(Clone, PartialEq)]
pub struct Task {
    /// The rank.
    pub at: RankRef,
    /// Program and arguments, placeholders replaced.
    pub argv: Vec<String>,
    /// Variables added to the environment of the worker.
    pub env: Vec<(String, String)>,
    /// Number of cores it may use, or `None` for all.
    pub num_cpus: Option<f64>,
    /// Number of workers, if each of them starts the command, and not the first for all.
    pub ranks: Option<u32>,
}

impl Task {
    /// Returns whether the command may start others on the other workers, as `mpirun` does.
    #[must_use]
    pub const fn starts_daemons(&self) -> bool {
        self.ranks.is_none() && self.at.daemon.is_none()
    }
}

/// Hides the values of the environment, one of which is a token.
impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let env: Vec<&str> = self.env.iter().map(|(name, _)| name.as_str()).collect();
        let mut task = f.debug_struct("Task");
        task.field("at", &self.at).field("argv", &self.argv).field("env", &env);
        task.field("num_cpus", &self.num_cpus).finish()
    }
}

/// How much of the output of a rank has been read, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Offsets {
    /// Bytes of standard output.
    pub stdout: u64,
    /// Bytes of standard error.
    pub stderr: u64,
}

impl Offsets {
    /// The offset of a stream of which nothing more is wanted. It fits into the arithmetic of a shell.
    pub const NO_MORE: u64 = i64::MAX.unsigned_abs();
    /// Bytes before the offset of a read that the cluster keeps.
    ///
    /// It may delete earlier output, so a reader stores what it has read before it is this far behind.
    pub const KEPT: u64 = 256 * 1024;
}

/// A piece of a rank's output, and its exit code after the last piece.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Output {
    /// Bytes of standard output from the offset on.
    pub stdout: Bytes,
    /// Bytes of standard error from the offset on.
    pub stderr: Bytes,
    /// When the first bytes of both came, in order. The rest came last, just now.
    pub arrivals: Vec<Arrival>,
    /// How many daemons on other workers it has asked for so far.
    pub requests: u32,
    /// The streams with missing output. Given with the exit code.
    pub cuts: Vec<Cut>,
    /// The exit code, given only when no output follows these bytes.
    pub exit_code: Option<i32>,
    /// When the command ended, if that is known. Given with the exit code.
    pub ended_at: Option<Timestamp>,
}

/// Bytes that came at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// When they came.
    pub date: Timestamp,
    /// Number of bytes of standard output.
    pub stdout: usize,
    /// Number of bytes of standard error, which came after those of standard output.
    pub stderr: usize,
}

/// A part of a stream that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// The stream.
    pub stream: OutputStream,
    /// Why.
    pub reason: CutReason,
}

/// Why the output of a rank is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutReason {
    /// More of it waited for the server than the output limit allows.
    Limit,
    /// The disk was full: on this machine when the command ended, in a pod at any time.
    DiskFull,
    /// The files of this server may not become larger (`ulimit -f`).
    FileSize,
}

/// A signal that stops a rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM.
    Term,
    /// SIGKILL.
    Kill,
}

/// What is left of a rank after a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remaining {
    /// So many processes, without the supervisor.
    Processes(usize),
    /// After SIGKILL only the supervisor, which has not stored the exit code yet.
    Supervisor,
}
