//! Starts a rank: a shell reads the supervisor and the command from its standard input.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tokio::signal::unix::{SignalKind, signal};

use super::limits;
use crate::cluster::error::ClusterError;
use crate::cluster::rank::Task;

/// Exit status of `mlbench_launch` when the supervisor did not start in time.
const START_TIMEOUT: i32 = 3;

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

/// Runs the shell, which exits once the supervisor is running.
pub(super) fn run_shell(
    input: &[u8],
    task: &Task,
    group: Option<&Path>,
    environment: &[(OsString, OsString)],
) -> Result<(), ClusterError> {
    let rank = task.at.rank;
    let output = spawn(environment).and_then(|mut shell| {
        let fed = limits::apply(task, group, shell.id()).and_then(|()| feed(&mut shell, input));
        if fed.is_err() {
            shell.kill()?;
        }
        let output = shell.wait_with_output()?;
        fed.map(|()| output)
    });
    let output = output.map_err(|error| {
        let message = format!("rank {rank} cannot start: {error}");
        match error.kind() {
            // The machine has no room for another process now.
            io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory => ClusterError::Unreachable(message),
            _ => ClusterError::Refused(message),
        }
    })?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let message = format!("rank {rank} cannot start: {}: {}", output.status, stderr.trim());
    match output.status.code() {
        Some(START_TIMEOUT) | None => Err(ClusterError::Unreachable(message)),
        Some(_) => Err(ClusterError::Refused(message)),
    }
}

fn spawn(environment: &[(OsString, OsString)]) -> io::Result<Child> {
    Command::new("sh")
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        // Ctrl-C on the server's terminal must not reach a launch in progress.
        .process_group(0)
        .spawn()
}

fn feed(shell: &mut Child, input: &[u8]) -> io::Result<()> {
    let Some(mut stdin) = shell.stdin.take() else { return Ok(()) };
    match stdin.write_all(input) {
        // A shell that exited early reports the cause in its exit status and on stderr.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}
