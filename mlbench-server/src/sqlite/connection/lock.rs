//! One server per database: a lock file beside it, held for as long as the server lives.
//!
//! The lock is the kernel's (`flock`), not the file: it ends with the process however that ends, so it is
//! never stale, and the file is never removed, because a second server could hold the removed one. What
//! stands in it only tells a second server whom it met. Rejected: a pid file (stale after `kill -9`, and pids
//! are used again), and SQLite's own exclusive mode (it would shut out the read-only connections and the
//! `sqlite3` of somebody who looks).

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use mlbench_core::{Error, ErrorCode, Result};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::open::plain;

/// The lock on a database.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes the lock, or says who has it.
    pub(crate) fn take(database: &Path) -> Result<Self> {
        let mut path = database.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&path).map_err(|error| cannot_write(&path, &error))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(in_use(database, &mut file)),
            Err(errno) => return Err(cannot_write(&path, &errno.into())),
        }
        let mut lock = Self { file, path };
        lock.describe(None)?;
        Ok(lock)
    }

    /// Writes who holds the lock, for the second server's message.
    pub(crate) fn describe(&mut self, address: Option<&str>) -> Result<()> {
        let address = address.map(|address| format!("address {address}\n")).unwrap_or_default();
        let text = format!("pid {}\n{address}", std::process::id());
        let emptied = self.file.set_len(0).and_then(|()| self.file.rewind());
        let written = emptied.and_then(|()| self.file.write_all(text.as_bytes()));
        written.map_err(|error| cannot_write(&self.path, &error))
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> Error {
    let (path, why) = (path.display(), plain(error));
    Error::new(ErrorCode::Unavailable, format!("cannot write the lock file {path}: {why}"))
}

fn in_use(database: &Path, file: &mut File) -> Error {
    let mut text = String::new();
    // Without a description the refusal still stands.
    let described = file.read_to_string(&mut text).is_ok();
    let word = |key: &str| {
        let mut words = text.lines().filter_map(|line| line.split_once(' '));
        words.find(|(word, _)| described && *word == key).map(|(_, value)| value.to_owned())
    };
    let holder = match (word("pid"), word("address")) {
        (Some(pid), Some(address)) => format!("process {pid} at {address}"),
        (Some(pid), None) => format!("process {pid}"),
        _ => "another process".to_owned(),
    };
    let database = database.display();
    Error::new(
        ErrorCode::Unavailable,
        format!(
            "the database {database} is in use by another mlbench server ({holder}); stop that one or choose \
             another database"
        ),
    )
}
