//! Opening a database: its files, its connections, and one clear sentence for everything that may be wrong
//! with them.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use mlbench_core::{Error, ErrorCode, Result};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, ffi};

use super::migrations::{STEPS, migrate};
use crate::sqlite::error::StoreError;

/// How a database is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// The database file; it and its directory are created when missing.
    pub path: PathBuf,
    /// What an acknowledgement survives.
    pub durability: Durability,
    /// The most bytes of output that are kept per run and stream.
    pub log_limit_bytes: u64,
    /// The most points of one page of an answer.
    pub page_points: usize,
    /// Read-only connections, and so the most reads at the same time.
    pub readers: usize,
}

impl Options {
    /// What a server uses that was not told otherwise.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            durability: Durability::Full,
            log_limit_bytes: 256 << 20,
            page_points: 4_096,
            readers: 4,
        }
    }
}

/// What an acknowledgement survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The end of the server and of the machine: every commit is synced to the disk.
    #[default]
    Full,
    /// The end of the server; the last commits may be lost when the machine loses power.
    Normal,
}

impl Durability {
    const fn pragma(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::Normal => "NORMAL",
        }
    }
}

/// Creates the directory, and gives back the one path that every way to this database leads to: a second server that
/// comes over a symbolic link meets the same lock.
pub(crate) fn create_directory(path: &Path) -> Result<PathBuf> {
    let cannot_open = |why: &str| operator(format!("cannot open the database {}: {why}", path.display()));
    let name = path.file_name().ok_or_else(|| cannot_open("it is not the name of a file"))?;
    if path.is_dir() {
        return Err(cannot_open("it is a directory"));
    }
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| {
        let (directory, why) = (directory.display(), plain(&error));
        operator(format!("cannot create the directory {directory} for the database: {why}"))
    })?;
    let canonical = path.canonicalize().or_else(|_| Ok(directory.canonicalize()?.join(name)));
    canonical.map_err(|error: io::Error| cannot_open(&plain(&error)))
}

/// Creates the file, so that the files which SQLite adds inherit its mode. Only under the lock: closing a file takes
/// away the locks that this process has on it, and a first store of the same process would lose them.
pub(crate) fn create_file(path: &Path) -> Result<()> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    file.map(drop)
        .map_err(|error| operator(format!("cannot open the database {}: {}", path.display(), plain(&error))))
}

/// The only connection that writes, with the schema of this version.
pub(crate) fn writer(options: &Options) -> Result<Connection> {
    let open = || -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&options.path, flags)?;
        prepare_once(&connection)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        let journal: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        if journal != "wal" {
            return Err(operator(format!(
                "the database {} cannot be kept there: its file system has no shared memory (is it a network \
                 drive?); choose a local one",
                options.path.display()
            ))
            .into());
        }
        connection.pragma_update(None, "synchronous", options.durability.pragma())?;
        connection.pragma_update(None, "cache_size", -8_000)?;
        // The writer checkpoints itself, after it has answered; see `writer.rs`.
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        connection.pragma_update(None, "journal_size_limit", 16 << 20)?;
        connection.set_prepared_statement_cache_capacity(64);
        migrate(&mut connection, &options.path, STEPS)?;
        Ok(connection)
    };
    open().map_err(|failure| explain(failure, &options.path))
}

/// A connection that only reads.
pub(crate) fn reader(options: &Options) -> Result<Connection> {
    let open = || -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&options.path, flags)?;
        prepare_once(&connection)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "cache_size", -2_000)?;
        connection.set_prepared_statement_cache_capacity(32);
        Ok(connection)
    };
    open().map_err(|failure| explain(failure, &options.path))
}

/// Keeps SQLite from preparing a statement anew for every value of a parameter that might lead to another plan (it does
/// so for `LIMIT ?`, `OFFSET ?` and `= ?`), which takes longer than a small read. No plan of ours depends on a value.
fn prepare_once(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// How long a connection waits for another program that holds the database.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

fn explain(failure: StoreError, path: &Path) -> Error {
    let path = path.display();
    let error = match failure {
        StoreError::Domain(error) => return error,
        StoreError::Sqlite(error) => error,
    };
    let sentence = match error.sqlite_error_code() {
        Some(ffi::ErrorCode::NotADatabase) => {
            format!("{path} is not an SQLite database; choose another file")
        }
        Some(ffi::ErrorCode::DatabaseBusy | ffi::ErrorCode::DatabaseLocked) => {
            format!("the database {path} is held by another program; end that one first")
        }
        _ => format!("cannot open the database {path}: {error}"),
    };
    operator(sentence).with_internal(error)
}

/// Errors of opening are read by the operator on a terminal, so they may name paths.
fn operator(sentence: String) -> Error {
    Error::new(ErrorCode::Unavailable, sentence)
}

/// What the system says, without the number it says it with.
pub(crate) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}
