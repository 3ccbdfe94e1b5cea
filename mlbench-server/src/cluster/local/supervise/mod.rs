//! The supervisor of one rank, a process that starts the command and copies its output.
//!
//! It is this program again, in a hidden mode ([`run_if_requested`]), in a session of its own, so it outlives the
//! server. The command writes into two pipes, which one thread copies into append-only files. Nothing that a program
//! opens, truncates or seeks can change what it has written. The files of a rank are:
//!
//! | File | Content |
//! |---|---|
//! | `identity` | `BOOT_ID PID START_TIME` of the supervisor, written before the command starts; the link is the lock |
//! | `stdout`, `stderr` | the output; the server gives the disk space of what it has stored back (see `files.rs`) |
//! | `arrivals` | when which bytes of the two came, see [`index`](super::index) |
//! | `stdout.stop`, `stderr.stop` | written by the server: store no more of this stream |
//! | `stdout.cut`, `stderr.cut` | 16 bytes, reserved before the command starts: why later output is missing (`limit`, `ulimit`, `disk`), if any is |
//! | `usage` | the supervisor's own `stat` and `io`, including the children it has waited for |
//! | `exit_code` | 16 bytes, reserved before the command starts: the exit code and a newline, written in place at its end |
//!
//! What lies on the disk is bounded: each stream may hold the output limit of the run before the server has read it,
//! and what comes then is dropped. While the disk is full the supervisor stops reading, so the command waits, and goes on
//! when there is room. When the command has ended meanwhile, its last output is given up after 3 s.
//!
//! The supervisor adopts the orphans of its command and stays until none is left. It drops what they print
//! after the end of the command, because a reader would never reach the end of that. An idle command costs nothing: the
//! supervisor sleeps until output or a signal comes.

mod assignment;
mod copier;
mod eagerness;
mod process;
mod stream;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) use assignment::{FREE_BYTES, STARTED};

use assignment::Assignment;

/// The first argument of the hidden mode.
pub(super) const MODE: &str = "supervise-rank";

/// Whether this program has the hidden mode.
static IS_AVAILABLE: AtomicBool = AtomicBool::new(false);

/// Supervises a rank if the command line asks for it.
///
/// A program that starts local workers calls this first in `main`.
/// Returns the exit code of the process, or `None` when this is an ordinary start.
#[must_use]
pub fn run_if_requested() -> Option<ExitCode> {
    IS_AVAILABLE.store(true, Ordering::Release);
    let mut arguments = std::env::args_os().skip(1);
    (arguments.next()? == MODE).then(|| run(arguments))
}

/// Returns the program and the first arguments that start a supervisor.
///
/// # Errors
/// When this program lacks the hidden mode, and would start itself.
pub(crate) fn program() -> io::Result<Vec<OsString>> {
    if !IS_AVAILABLE.load(Ordering::Acquire) {
        return Err(io::Error::other("this program does not call `supervise::run_if_requested` in `main`"));
    }
    // Unlike the path of the file, this is still the same program after an upgrade.
    Ok(vec!["/proc/self/exe".into(), MODE.into()])
}

/// Supervises a rank, given the arguments after the mode: the directory, the limit and the command.
pub(super) fn run(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let assignment = || {
        let dir = PathBuf::from(arguments.next()?);
        let limit = arguments.next()?.to_str()?.parse().ok()?;
        Some(Assignment { dir, limit, argv: arguments.collect() })
    };
    let outcome = match { assignment }() {
        Some(assignment) => process::supervise(&assignment),
        None => Err(io::Error::other("usage: supervise-rank DIR LIMIT COMMAND…")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The server may be gone: only it reads this.
            let _ = io::Write::write_all(&mut io::stderr(), format!("{error}\n").as_bytes());
            ExitCode::FAILURE
        }
    }
}

/// The supervisor of tests: a test of this crate that supervises when it is started as one.
#[cfg(test)]
pub(crate) fn program_of_tests() -> Vec<OsString> {
    let test = "cluster::local::tests::supervisor::a_rank_without_a_directory_starts_nothing";
    let exe = std::env::current_exe().unwrap().into_os_string();
    [exe].into_iter().chain(["--exact", test, "--nocapture", "--", MODE].map(Into::into)).collect()
}
