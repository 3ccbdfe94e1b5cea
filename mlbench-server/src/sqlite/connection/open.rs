//! Opens a database: its directory, its file, its connections. Every failure is one line for the operator.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use mlbench_core::{Error, ErrorCode, Result};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, ffi};
use rustix::fs::statvfs;

use super::migrations::{STEPS, migrate};
use super::place::Place;
use crate::sqlite::error::{StoreError, is_out_of_space};
use crate::vitals::Vitals;

/// How to open a database.
#[derive(Debug, Clone)]
pub struct Options {
    /// Database file. Missing directories and the file are created.
    pub path: PathBuf,
    /// When a write is acknowledged.
    pub durability: Durability,
    /// Stored output per run and stream, in bytes.
    pub log_limit_bytes: u64,
    /// The most points of one page.
    pub page_points: usize,
    /// How and when points are sealed.
    pub seal: SealOptions,
    /// Number of read-only connections, and so of concurrent reads.
    pub readers: usize,
    /// Names this machine, or what represents it. The database has another name on another machine.
    pub machine: String,
    /// Keep the name and the active runs of a database that was opened elsewhere before.
    pub adopt: bool,
    /// Change nothing, and refuse every write.
    pub read_only: bool,
    /// Learns that the writer has failed for good.
    pub vitals: Vitals,
}

impl Options {
    /// The defaults for a database file.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            durability: Durability::Full,
            log_limit_bytes: 256 << 20,
            page_points: 8_192,
            seal: SealOptions::default(),
            readers: 4,
            machine: String::new(),
            adopt: false,
            read_only: false,
            vitals: Vitals::default(),
        }
    }
}

/// How and when points are sealed.
#[derive(Debug, Clone, Copy)]
pub struct SealOptions {
    /// Points of a full chunk.
    pub full: usize,
    /// Points of a series that are sealed although they do not fill a chunk.
    pub small: usize,
    /// Everything of a series is sealed after it got no points for so long.
    pub idle: Duration,
}

impl Default for SealOptions {
    fn default() -> Self {
        Self { full: 16_384, small: 4_096, idle: Duration::from_secs(30) }
    }
}

/// When a write is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Once it is synced to disk, so it survives a power failure.
    #[default]
    Full,
    /// Once the operating system has it, so it survives a crash of the server but not of the machine.
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

/// Creates the directory of a database and returns the canonical path of the file.
///
/// All symbolic links to a database have one canonical path, and so one lock.
pub(crate) fn create_directory(path: &Path) -> Result<PathBuf> {
    let refuse = |reason: &str| operator_error(format!("database {}: {reason}", path.display()));
    let name = path.file_name().ok_or_else(|| refuse("is not a file name; choose a file"))?;
    if path.is_dir() {
        return Err(refuse("is a directory; choose a file"));
    }
    if path.metadata().is_ok_and(|found| !found.is_file()) {
        return Err(refuse("is a device, a pipe or a socket; choose a file"));
    }
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| {
        refuse(&format!("cannot create the directory {}: {}", directory.display(), io_reason(&error)))
    })?;
    let canonical = path.canonicalize().or_else(|_| Ok(directory.canonicalize()?.join(name)));
    canonical.map_err(|error: io::Error| refuse(&format!("cannot be opened: {}", io_reason(&error))))
}

/// Returns the canonical path of a database file that exists.
pub(crate) fn existing(path: &Path) -> Result<PathBuf> {
    let refuse =
        |reason: &str| operator_error(format!("database {}: {reason}; choose another file", path.display()));
    let found = path.canonicalize().map_err(|error| refuse(&io_reason(&error)))?;
    if found.is_file() { Ok(found) } else { Err(refuse("is not a file")) }
}

/// Opens the database file, or creates it, so that the files which SQLite adds inherit its mode.
///
/// Call it only under the lock, and keep it: closing a file releases the locks that this process holds on it, and another
/// store in this process would lose them.
pub(crate) fn create_file(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    file.map_err(|error| {
        operator_error(format!("database {}: cannot be opened: {}", path.display(), io_reason(&error)))
    })
}

/// Refuses a database with several names under another one than that of its last start.
///
/// What its write-ahead log holds belongs to a name.
///
/// # Errors
/// [`Unavailable`](ErrorCode::Unavailable), with the name of the file that has several.
pub(crate) fn check_links(options: &Options, place: &Place) -> Result<()> {
    let path = options.path.display();
    let beside = |suffix: &str| {
        let mut path = options.path.as_os_str().to_owned();
        path.push(suffix);
        PathBuf::from(path)
    };
    let has_several = |path: &PathBuf| fs::metadata(path).is_ok_and(|file| file.nlink() > 1);
    let Some(linked) = ["", "-wal", "-shm"].map(beside).into_iter().find(has_several) else { return Ok(()) };
    let linked = linked.display();
    // The last server at this place is the only one that may have used all of these files: others are its backups.
    if last_place(options)?.is_some_and(|last| last == place.to_string()) {
        tracing::warn!(
            "database {path}: {linked} has several hard links, which change with it; a backup needs a copy"
        );
        return Ok(());
    }
    Err(operator_error(format!(
        "database {path}: {linked} has several hard links, and its last server did not use this name; start that one \
         again, or copy the file and use the copy"
    )))
}

/// Returns the place at which the database was opened last.
fn last_place(options: &Options) -> Result<Option<String>> {
    let connection = reader(options)?;
    let place = connection.query_row("SELECT place FROM server", [], |row| row.get(0));
    // A file without this table is new, or its log is elsewhere.
    Ok(place.ok())
}

/// Opens the only connection that writes, and brings the schema to this version.
pub(crate) fn writer(options: &Options) -> Result<Connection> {
    let open = || -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&options.path, flags)?;
        disable_reprepare(&connection)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // Takes effect in a new file only.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        let journal: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        if journal != "wal" {
            return Err(operator_error(format!(
                "database {}: the file system has no shared memory, as on a network drive; choose a local file",
                options.path.display()
            ))
            .into());
        }
        connection.pragma_update(None, "synchronous", options.durability.pragma())?;
        connection.pragma_update(None, "cache_size", -8_000)?;
        // The writer runs checkpoints itself, after it has responded: see `checkpoint.rs`.
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        connection.pragma_update(None, "journal_size_limit", 16 << 20)?;
        connection.set_prepared_statement_cache_capacity(64);
        migrate(&mut connection, &options.path, STEPS)?;
        Ok(connection)
    };
    open().map_err(|error| open_error(error, &options.path))
}

/// Opens a read-only connection.
pub(crate) fn reader(options: &Options) -> Result<Connection> {
    let open = || -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&options.path, flags)?;
        disable_reprepare(&connection)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // No size of the cache, 2 MB anyway: setting it reads the schema and allocates the first pages of the cache, for a
        // connection that may never be used.
        connection.set_prepared_statement_cache_capacity(32);
        Ok(connection)
    };
    open().map_err(|error| open_error(error, &options.path))
}

/// Stops SQLite from preparing a statement again when the value of a parameter changes.
///
/// SQLite does that for `LIMIT ?`, `OFFSET ?` and `= ?`, in case the value leads to a better plan. It takes longer than
/// a small read, and no plan of these statements depends on a value.
fn disable_reprepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// How long a connection waits while another program holds the database.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Names a database in the error of opening it.
pub(crate) fn open_error(error: StoreError, path: &Path) -> Error {
    let error = match error {
        StoreError::Domain(error) => return error,
        StoreError::Sqlite(error) => error,
    };
    let shown = path.display();
    let text = match error.sqlite_error_code() {
        Some(ffi::ErrorCode::DiskFull | ffi::ErrorCode::SystemIoFailure) if has_no_room(path) => {
            return full_disk(path).with_internal(error);
        }
        Some(ffi::ErrorCode::NotADatabase) => {
            format!("database {shown}: not an SQLite database; choose another file")
        }
        Some(ffi::ErrorCode::DatabaseBusy | ffi::ErrorCode::DatabaseLocked) => {
            format!("database {shown}: locked by another program; stop that program first")
        }
        _ => format!("database {shown}: cannot be opened: {error}"),
    };
    operator_error(text).with_internal(error)
}

/// Room that a server needs to start.
const NEEDED_TO_START: u64 = 1 << 20;

/// Names the full disk in the error of a first write.
pub(crate) fn naming_full_disk(error: Error, path: &Path) -> Error {
    if is_out_of_space(&error) && has_no_room(path) { full_disk(path).with_internal(error) } else { error }
}

fn has_no_room(path: &Path) -> bool {
    statvfs(path).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < NEEDED_TO_START)
}

fn full_disk(path: &Path) -> Error {
    // The highest folder on the same disk: where it is mounted.
    let device = |path: &Path| fs::metadata(path).map(|file| file.dev()).ok();
    let folders = path.ancestors().take_while(|folder| device(folder) == device(path));
    let (disk, path) = (folders.last().unwrap_or(path).display(), path.display());
    operator_error(format!(
        "database {path}: the disk at {disk} is full; make room for 1 MiB there, and start the server again"
    ))
}

/// An error that the operator reads on a terminal, so it may name paths.
pub(crate) fn operator_error(text: String) -> Error {
    Error::new(ErrorCode::Unavailable, text)
}

/// Returns the text of an error of the operating system, without its number.
pub(crate) fn io_reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}
