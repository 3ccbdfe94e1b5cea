//! The command that is recorded: starts it, copies its output, passes signals on.

use std::io::{self, IsTerminal};
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use mlbench_client::OutputStream;
use mlbench_core::lines::LineSplitter;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

use super::queue::LineQueue;

/// How long output is read after the command has ended: a process that it left behind may keep it open.
const LAST_OUTPUT: Duration = Duration::from_secs(2);

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ended {
    /// Its exit code, 128 + N for signal N.
    pub(super) code: u8,
    /// Whether a signal was passed on to it.
    pub(super) was_asked: bool,
}

/// Starts a command with these variables in its environment.
///
/// # Errors
/// Why it cannot start.
pub(super) fn start(words: &[String], variables: &[(&str, String)]) -> io::Result<Child> {
    let (program, arguments) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.args(arguments).envs(variables.iter().map(|(name, value)| (name, value)));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
}

/// Copies the output of a command here and into the queue until it has ended.
///
/// # Errors
/// When the system cannot wait for it.
pub(super) async fn follow(mut child: Child, queue: &LineQueue) -> io::Result<Ended> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let output = async {
        tokio::join!(
            copy(stdout, tokio::io::stdout(), OutputStream::Stdout, queue),
            copy(stderr, tokio::io::stderr(), OutputStream::Stderr, queue),
        );
    };
    let mut output = std::pin::pin!(output);
    let mut wait = std::pin::pin!(wait(&mut child));
    let ended = tokio::select! {
        ended = &mut wait => {
            let _ = timeout(LAST_OUTPUT, output).await;
            ended
        }
        () = &mut output => wait.await,
    };
    queue.close();
    ended
}

/// Waits for the end of a command, and passes SIGINT and SIGTERM on to it.
async fn wait(child: &mut Child) -> io::Result<Ended> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    // A terminal sends SIGINT to the command itself.
    let by_terminal = io::stdin().is_terminal();
    let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let mut was_asked = false;
    loop {
        let passed_on = tokio::select! {
            status = child.wait() => return Ok(Ended { code: exit_code(status?), was_asked }),
            _ = interrupt.recv() => (!by_terminal).then_some(Signal::INT),
            _ = terminate.recv() => Some(Signal::TERM),
        };
        was_asked = true;
        if let (Some(pid), Some(signal)) = (pid, passed_on) {
            // It may have ended in this moment.
            let _ = kill_process(pid, signal);
        }
    }
}

fn exit_code(status: ExitStatus) -> u8 {
    let by_signal = || status.signal().map(|number| 128 + number);
    status.code().or_else(by_signal).and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// Copies a stream of a command to `to`, and its lines into the queue.
///
/// Without a reader of `to`, the command gets a broken pipe as it would without this program.
async fn copy(
    from: Option<impl AsyncRead + Unpin>,
    mut to: impl AsyncWrite + Unpin,
    stream: OutputStream,
    queue: &LineQueue,
) {
    let Some(mut from) = from else { return };
    let (mut lines, mut bytes) = (LineSplitter::default(), vec![0; 64 * 1024]);
    while let Ok(length @ 1..) = from.read(&mut bytes).await {
        lines.push(&bytes[..length]);
        take_lines(&mut lines, false, stream, queue);
        if to.write_all(&bytes[..length]).await.is_err() || to.flush().await.is_err() {
            break;
        }
    }
    take_lines(&mut lines, true, stream, queue);
}

/// Moves complete lines into the queue, and with `at_end` the unterminated last one too.
fn take_lines(lines: &mut LineSplitter, at_end: bool, stream: OutputStream, queue: &LineQueue) {
    while let Some(batch) = lines.next_batch(at_end) {
        batch.lines.into_iter().for_each(|line| queue.push(stream, line));
    }
}
