//! Allows one server per database, with a lock file beside it.
//!
//! The lock is the kernel's (`flock`) and ends with the process, so it is never stale. The file is never deleted, because
//! a second server could hold the lock on the deleted file. Its content only names the holder of the lock. A second lock
//! is on the database itself, because a hard link has another lock file. SQLite uses locks of another kind (`fcntl`),
//! which ignore this one.
//!
//! Rejected: a pid file (stale after `kill -9`, and pids are reused), and SQLite's exclusive mode (it locks out the
//! read-only connections and a `sqlite3` shell).

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use mlbench_core::{Error, ErrorCode, Result};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::open::io_reason;

/// The lock on a database, held until it is dropped.
#[derive(Debug)]
pub(crate) struct DatabaseLock {
    /// The lock file, which a server that only reads does not have.
    file: Option<File>,
    /// The database. It stays open, because closing it would release the locks of SQLite in this process.
    database: Option<File>,
}

impl DatabaseLock {
    /// Acquires the lock.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorCode::Unavailable) when another server holds the lock, or the file cannot be written.
    pub(crate) fn acquire(database: &Path) -> Result<Self> {
        let mut path = database.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&path).map_err(|error| cannot_write(&path, &error))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(in_use(database, &holder(&mut file))),
            Err(errno) => return Err(cannot_write(&path, &errno.into())),
        }
        Ok(Self { file: Some(file), database: None })
    }

    /// Shares the lock on the file of a database with others that only read it.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorCode::Unavailable) when a server writes it, or the file cannot be read.
    pub(crate) fn share(path: &Path) -> Result<Self> {
        let cannot_read = |error: &io::Error| {
            let (path, reason) = (path.display(), io_reason(error));
            Error::new(ErrorCode::Unavailable, format!("database {path}: cannot be read: {reason}"))
        };
        let database = File::open(path).map_err(|error| cannot_read(&error))?;
        match flock(&database, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(Self { file: None, database: Some(database) }),
            Err(Errno::WOULDBLOCK) => {
                std::mem::forget(database);
                let path = path.display();
                let text = format!(
                    "database {path}: a server writes it; serve a copy of it, made with `mlbench-server backup`"
                );
                Err(Error::new(ErrorCode::Unavailable, text))
            }
            Err(errno) => Err(cannot_read(&errno.into())),
        }
    }

    /// Acquires the lock on the file of the database, which is that of all its names.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorCode::Unavailable) when a server holds it under another name.
    pub(crate) fn hold(&mut self, path: &Path, database: File) -> Result<()> {
        let locked = flock(&database, FlockOperation::NonBlockingLockExclusive);
        if locked == Err(Errno::WOULDBLOCK) {
            // A server in this process may hold locks of SQLite on it.
            std::mem::forget(database);
            return Err(in_use(path, "a read-only one, or under another name of the same file, a hard link"));
        }
        if let Err(error) = locked {
            tracing::debug!(%error, "cannot lock the database under all its names");
        }
        self.database = Some(database);
        Ok(())
    }

    /// Writes who holds the lock, for the error message of a second server.
    ///
    /// On a full disk that message is less precise, which keeps no server from starting.
    pub(crate) fn write_holder(&self, address: Option<&str>) {
        let Some(file) = &self.file else { return };
        let address = address.map(|address| format!("address {address}\n")).unwrap_or_default();
        let text = format!("pid {}\n{address}", std::process::id());
        // In place, which needs no room where another server has written before.
        let written = file.write_all_at(text.as_bytes(), 0);
        let length = if written.is_ok() { text.len() as u64 } else { 0 };
        if let Err(error) = written.and(file.set_len(length)) {
            tracing::debug!(%error, "cannot write who holds the lock of the database");
        }
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> Error {
    let (path, reason) = (path.display(), io_reason(error));
    Error::new(ErrorCode::Unavailable, format!("lock file {path}: cannot be written: {reason}"))
}

/// Returns who holds the lock, as it is written in the lock file.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    // A file that cannot be read only makes the message less precise.
    let readable = file.read_to_string(&mut text).is_ok();
    let value = |key: &str| {
        let mut pairs = text.lines().filter_map(|line| line.split_once(' '));
        pairs.find(|(name, _)| readable && *name == key).map(|(_, value)| value.to_owned())
    };
    match (value("pid"), value("address")) {
        (Some(pid), Some(address)) => format!("process {pid} at {address}"),
        (Some(pid), None) => format!("process {pid}"),
        _ => "another process".to_owned(),
    }
}

fn in_use(database: &Path, holder: &str) -> Error {
    let database = database.display();
    Error::new(
        ErrorCode::Unavailable,
        format!(
            "database {database}: in use by another mlbench server ({holder}); stop that server or choose another \
             database"
        ),
    )
}
