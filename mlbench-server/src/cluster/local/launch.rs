//! Starts the supervisor of a rank.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

use super::cgroup;
use super::files::RankDir;
use super::limits;
use super::memory_limit;
use super::supervise::STARTED;
use crate::cluster::error::ClusterError;
use crate::cluster::rank::Task;
use crate::cluster::supervisor::{WORKER_ID, worker_id};

/// Time that a supervisor has to start its command.
///
/// That of a test is the whole test program, which may start very slowly.
const START_TIMEOUT: Duration = Duration::from_secs(if cfg!(test) { 300 } else { 10 });

/// Makes Python programs write at once. Otherwise a stopped program loses up to 8 KiB.
const UNBUFFERED: &str = "PYTHONUNBUFFERED";

/// Adds the variable that makes Python programs write at once, unless the environment has it.
pub(super) fn unbuffered(mut environment: Vec<(OsString, OsString)>) -> Vec<(OsString, OsString)> {
    if !environment.iter().any(|(name, _)| name == UNBUFFERED) {
        environment.push((UNBUFFERED.into(), "1".into()));
    }
    environment
}

/// Gives child processes the default handling of every signal that this process ignores.
///
/// A child inherits an ignored signal, and its shell cannot change that, but a caught signal becomes default again. The
/// server may ignore signals because of the way it was started (`nohup`, `&` in a script), so this function catches
/// them. They still have no effect on the server. Requires a tokio runtime.
pub(super) fn unignore_signals() -> io::Result<()> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    // The standard library ignores SIGPIPE (13) itself, and restores it in every child.
    for number in (1..32).filter(|&number| ignored >> (number - 1) & 1 == 1 && number != 13) {
        if let Err(error) = signal(SignalKind::from_raw(number)) {
            tracing::warn!(number, %error, "workers inherit an ignored signal");
        }
    }
    Ok(())
}

/// The program that supervises ranks, and its environment.
#[derive(Debug)]
pub(super) struct Supervisor {
    /// Program and first arguments.
    pub program: Vec<OsString>,
    /// Bytes of each output stream that may wait for the server.
    pub output_limit: u64,
    /// The environment of a worker.
    pub environment: Vec<(OsString, OsString)>,
}

/// Starts the supervisor of a task, and returns once it has started the command.
pub(super) async fn start(
    supervisor: &Supervisor,
    task: &Task,
    dir: &RankDir,
    group: Option<&Path>,
) -> Result<(), ClusterError> {
    let rank = task.at.rank;
    match timeout(START_TIMEOUT, try_start(supervisor, task, dir, group)).await {
        Ok(Ok(Ok(()))) => Ok(()),
        Ok(Ok(Err(why))) => Err(ClusterError::Refused(format!("rank {rank} cannot start: {why}"))),
        Ok(Err(error)) => {
            let message = format!("rank {rank} cannot start: {error}");
            Err(match error.kind() {
                // The machine has no room for another process now, or somebody killed it.
                io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory => ClusterError::Unreachable(message),
                _ => ClusterError::Refused(message),
            })
        }
        Err(_) => {
            Err(ClusterError::Unreachable(format!("rank {rank}: its supervisor did not start in time")))
        }
    }
}

/// Starts a supervisor. The inner error is the reason why it refuses.
async fn try_start(
    supervisor: &Supervisor,
    task: &Task,
    dir: &RankDir,
    group: Option<&Path>,
) -> io::Result<Result<(), String>> {
    let volumes = dir.make_volumes(&task.env)?;
    let mut child = spawn(supervisor, task, dir.path(), volumes)?;
    if let Some(pid) = child.id() {
        // Without its input the supervisor starts nothing.
        cgroup::enter(&task.at, &dir.group_note(), pid);
        limits::apply(task, group, pid)?;
        memory_limit::apply(&task.at, pid)?;
    }
    if let Some(mut stdin) = child.stdin.take() {
        // A supervisor that ended early reports the cause below.
        let _ = stdin.write_all(b"go").await;
    }
    let Some(stdout) = child.stdout.take() else { return Ok(Ok(())) };
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await? {
        if line == STARTED {
            return Ok(Ok(()));
        }
    }
    // It has ended: without an error another supervisor of this rank was first.
    let output = child.wait_with_output().await?;
    if output.status.code().is_none() {
        return Err(io::Error::new(
            io::ErrorKind::WouldBlock,
            format!("its supervisor ended: {}", output.status),
        ));
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Ok(if output.status.success() { Ok(()) } else { Err(format!("{}: {}", output.status, stderr.trim())) })
}

fn spawn(
    supervisor: &Supervisor,
    task: &Task,
    dir: &Path,
    volumes: Vec<(String, PathBuf)>,
) -> io::Result<Child> {
    let Some((program, arguments)) = supervisor.program.split_first() else {
        return Err(io::Error::other("there is no program for its supervisor"));
    };
    Command::new(program)
        .args(arguments)
        .arg(dir)
        .arg(supervisor.output_limit.to_string())
        .args(&task.argv)
        .env_clear()
        .envs(supervisor.environment.iter().map(|(name, value)| (name, value)))
        .envs(task.env.iter().map(|(name, value)| (name, value)))
        .envs(volumes)
        .envs(limits::cores(task).map(|cores| ("MLBENCH_CORES", cores)))
        .env(WORKER_ID, worker_id(&task.at))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}
