//! The start of a rank: a shell reads the supervisor and what to launch from its standard input.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tokio::signal::unix::{SignalKind, signal};

use super::limits;
use crate::cluster::{ClusterError, Task};

/// The status of `mlbench_launch` when the supervisor did not come up in time.
const NOT_YET: i32 = 3;

/// What a worker inherits of the server's environment: everything but the server's own settings and secrets.
pub(super) fn inherited(environment: Vec<(OsString, OsString)>) -> Vec<(OsString, OsString)> {
    let is_ours = |name: &OsStr| name.as_encoded_bytes().starts_with(b"MLBENCH_");
    environment.into_iter().filter(|(name, _)| !is_ours(name)).collect()
}

/// Makes the processes that this one starts handle all signals as by default.
///
/// A signal that is ignored stays ignored in programs that are started, and a shell cannot change that; one that is
/// caught becomes default. Which signals the server ignores is up to who started it (`nohup`, `&` in a script). Being
/// caught by nobody, they still have no effect on the server. Needs a tokio runtime.
pub(super) fn unignore_signals() -> io::Result<()> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    // The standard library sets SIGPIPE (13), which it ignores itself, back in every child.
    for number in (1..32).filter(|&number| ignored >> (number - 1) & 1 == 1 && number != 13) {
        if let Err(error) = signal(SignalKind::from_raw(number)) {
            tracing::warn!(number, %error, "workers inherit an ignored signal");
        }
    }
    Ok(())
}

/// Runs the shell to its end, which comes when the supervisor is up.
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
            // No room for another process just now.
            io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory => ClusterError::Unreachable(message),
            _ => ClusterError::Refused(message),
        }
    })?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let message = format!("rank {rank} cannot start: {}: {}", output.status, words.trim());
    match output.status.code() {
        Some(NOT_YET) | None => Err(ClusterError::Unreachable(message)),
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
        // Ctrl-C on the server's terminal must not reach a launch on its way.
        .process_group(0)
        .spawn()
}

fn feed(shell: &mut Child, input: &[u8]) -> io::Result<()> {
    let Some(mut stdin) = shell.stdin.take() else { return Ok(()) };
    match stdin.write_all(input) {
        // A shell that ended early says why itself.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}
