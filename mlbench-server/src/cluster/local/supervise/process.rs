//! Starts the command of a rank, waits for it and its orphans, and records its exit code.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal as UnixSignal, WaitOptions, getpid, set_child_subreaper, setsid, wait};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::sleep;

use super::assignment::{Assignment, STARTED};
use super::copier::Copier;
use super::stream::Stream;
use crate::cluster::local::processes::{boot_id, stat};

/// Size of the file with the exit code.
const EXIT_CODE_BYTES: usize = 16;
/// Pause between two attempts to write the exit code. No event says that a disk has room again.
const EXIT_CODE_PAUSE: Duration = Duration::from_millis(500);
/// Error number of a program file without a header that the kernel knows (ENOEXEC).
const NO_EXEC_FORMAT: i32 = 8;

/// Supervises a rank until its command and all its orphans have ended.
pub(super) fn supervise(assignment: &Assignment) -> io::Result<()> {
    // First, because Ctrl-C on the server's terminal must not reach a launch in progress. Fails for the leader of a
    // process group, which a shell has started.
    let _ = setsid();
    if !is_told_to_go()? {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut children = catch_signals()?;
        set_child_subreaper(Some(getpid()))?;
        if !take_rank(&assignment.dir)? {
            return Ok(());
        }
        let start = || {
            let mut copier = Copier::open(&assignment.dir, assignment.limit)?;
            let exit_code = ExitCodeFile::reserve(&assignment.dir)?;
            Ok((exit_code, start(&assignment.argv, &mut copier)?, copier))
        };
        // Without its files and pipes the command does not start, and the next launch must not believe that it did.
        let (exit_code, mut command, mut copier) = start().inspect_err(|_: &io::Error| {
            let _ = fs::remove_file(assignment.dir.join("identity"));
        })?;
        // The server may have stopped waiting.
        let _ = writeln!(io::stdout(), "{STARTED}");
        loop {
            let (code, are_left) = reap(command.pid)?;
            if let Some(code) = code.or(command.failure.take()) {
                copier.drain().await;
                write_usage(&assignment.dir);
                exit_code.write_until_stored(code).await?;
                copier.close();
            }
            if !are_left {
                write_usage(&assignment.dir);
                return Ok(());
            }
            tokio::select! {
                _ = children.recv() => {}
                () = copier.copy() => {}
            }
        }
    })
}

/// Returns whether the server has prepared the limits of this process.
///
/// If it was killed before, nothing may start.
fn is_told_to_go() -> io::Result<bool> {
    let mut input = Vec::new();
    io::stdin().read_to_end(&mut input)?;
    Ok(input == b"go")
}

/// Catches the signals that must not end the supervisor, and returns those of its children.
///
/// A child gets the default handling of a caught signal, and would inherit that of an ignored one. Without SIGXFSZ a
/// write beyond `ulimit -f` fails like any other.
fn catch_signals() -> io::Result<Signal> {
    drop(signal(SignalKind::from_raw(UnixSignal::XFSZ.as_raw()))?);
    let user = [SignalKind::user_defined1(), SignalKind::user_defined2(), SignalKind::alarm()];
    let others = [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::quit(), SignalKind::terminate()];
    for kind in user.into_iter().chain(others) {
        drop(signal(kind)?);
    }
    signal(SignalKind::child())
}

/// Makes this process the supervisor of the rank. Returns `false` if another one was first.
fn take_rank(dir: &Path) -> io::Result<bool> {
    let pid = getpid().as_raw_nonzero().get();
    let start = stat(pid).ok_or_else(|| io::Error::other("cannot read /proc"))?.starttime;
    let own = dir.join(format!("identity.{pid}"));
    let text = format!("{} {pid} {start}\n", boot_id()?);
    // A link is atomic, and fails when the name is taken.
    let linked = fs::write(&own, text).and_then(|()| fs::hard_link(&own, dir.join("identity")));
    // Otherwise it goes with the directory. The link alone decides whether the rank is taken.
    let _ = fs::remove_file(&own);
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        linked => linked.map(|()| true),
    }
}

/// The command, or why there is none.
struct Started {
    pid: Option<Pid>,
    /// The exit code of a command that did not start.
    failure: Option<i32>,
}

fn start(argv: &[OsString], copier: &mut Copier) -> io::Result<Started> {
    let (stdout, stderr) = copier.pipes()?;
    let (program, arguments) = argv.split_first().ok_or_else(|| io::Error::other("the command is empty"))?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(stdout.try_clone()?).stderr(stderr.try_clone()?);
    let spawned = match command.spawn() {
        // A shell executes a script without a `#!` line.
        Err(error) if error.raw_os_error() == Some(NO_EXEC_FORMAT) => Command::new("sh")
            .args([OsStr::new("-c"), OsStr::new("exec \"$0\" \"$@\"")])
            .args(argv)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            .spawn(),
        spawned => spawned,
    };
    match spawned {
        Ok(child) => {
            let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
            Ok(Started { pid, failure: None })
        }
        Err(error) => {
            let program = program.display();
            let (text, code) = match error.kind() {
                io::ErrorKind::NotFound => (format!("mlbench: {program}: command not found\n"), 127),
                _ => (format!("mlbench: {program}: {error}\n"), 126),
            };
            copier.push(Stream::Stderr, text.as_bytes());
            Ok(Started { pid: None, failure: Some(code) })
        }
    }
}

/// Collects all ended children.
///
/// Returns the exit code of the command if it was among them, and whether any are left.
fn reap(command: Option<Pid>) -> io::Result<(Option<i32>, bool)> {
    let mut code = None;
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) if Some(pid) == command => {
                // The convention of shells.
                code = status.exit_status().or(status.terminating_signal().map(|signal| 128 + signal));
            }
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) => return Ok((code, true)),
            Err(Errno::CHILD) => return Ok((code, false)),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Writes the usage of this process and of the children it waited for. On a full disk it is missing.
fn write_usage(dir: &Path) {
    let own = |file: &str| fs::read_to_string(format!("/proc/self/{file}"));
    if let (Ok(stat), Ok(io)) = (own("stat"), own("io")) {
        let _ = fs::write(dir.join("usage"), stat + &io);
    }
}

/// The file that gets the exit code, whose room is taken before the command starts.
struct ExitCodeFile {
    file: File,
    path: PathBuf,
}

impl ExitCodeFile {
    fn reserve(dir: &Path) -> io::Result<Self> {
        let path = dir.join("exit_code");
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path)?;
        file.write_all_at(&[b' '; EXIT_CODE_BYTES], 0)?;
        Ok(Self { file, path })
    }

    /// Writes the exit code, again and again until it is stored.
    ///
    /// Some file systems need room to overwrite, and any may become read-only for a while.
    ///
    /// # Errors
    /// That of the last attempt, when the directory of the rank has been deleted.
    async fn write_until_stored(&self, code: i32) -> io::Result<()> {
        let text = format!("{code:>width$}\n", width = EXIT_CODE_BYTES - 1);
        loop {
            match self.file.write_all_at(text.as_bytes(), 0) {
                // A disk has no event for room.
                Err(_) if self.path.exists() => sleep(EXIT_CODE_PAUSE).await,
                written => return written,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_exit_code_without_room_waits_for_it_until_the_rank_is_released() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("exit_code");
        fs::write(&path, "").unwrap();
        let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
        let exit_code = ExitCodeFile { file: full(), path: path.clone() };
        let written = tokio::time::timeout(Duration::from_secs(3_600), exit_code.write_until_stored(3)).await;
        assert!(written.is_err(), "it has given up");
        fs::remove_file(&path).unwrap();
        exit_code.write_until_stored(3).await.unwrap_err();
        let exit_code = ExitCodeFile::reserve(folder.path()).unwrap();
        exit_code.write_until_stored(3).await.unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), format!("{:>15}\n", 3));
    }
}
