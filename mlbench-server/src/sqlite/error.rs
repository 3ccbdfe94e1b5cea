//! Errors of SQL and of the use cases built on it, and how callers see them.

use std::time::Duration;

use mlbench_core::{Error, ErrorCode};
use rusqlite::ffi;

/// An error of a use case, or of SQLite beneath it.
#[derive(Debug)]
pub(super) enum StoreError {
    Domain(Error),
    Sqlite(rusqlite::Error),
}

impl StoreError {
    /// The error for stored data that cannot be parsed: another program wrote it, or the server has a defect.
    pub(super) fn corrupt(what: &str, reason: impl std::fmt::Display) -> Self {
        Self::Domain(Error::internal(format_args!("stored {what}: cannot be read: {reason}")))
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        Self::Domain(error)
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Domain(error) => error,
            StoreError::Sqlite(error) => from_sqlite(&error),
        }
    }
}

fn from_sqlite(error: &rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ffi::ErrorCode::DiskFull) => unwritable(DISK_FULL, error),
        Some(ffi::ErrorCode::ReadOnly) => unwritable("read-only", error),
        Some(ffi::ErrorCode::CannotOpen) => unwritable("a file cannot be opened", error),
        // Without the reads: a quota that is used up fails as an ordinary write.
        Some(ffi::ErrorCode::SystemIoFailure) if !is_read(error) => unwritable(IO_ERROR, error),
        Some(ffi::ErrorCode::DatabaseBusy | ffi::ErrorCode::DatabaseLocked) => {
            Error::new(ErrorCode::Overloaded, "another program has locked the server's database; try again")
                .with_internal(error)
                .with_retry_after(Duration::from_secs(1))
        }
        _ => Error::internal(format_args!("sqlite: {error}")),
    }
}

fn is_read(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    matches!(code, Some(ffi::SQLITE_IOERR_READ | ffi::SQLITE_IOERR_SHORT_READ | ffi::SQLITE_IOERR_CORRUPTFS))
}

/// The reason of a write for which the disk has no room.
pub(super) const DISK_FULL: &str = "disk full";
/// The reason of a write that the disk refused, also for a quota that is used up.
const IO_ERROR: &str = "input/output error, or a quota is used up";

/// The error of a write that may succeed later.
pub(super) fn unwritable(reason: &str, error: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::Unavailable, unwritable_detail(reason))
        .with_internal(error)
        .with_retry_after(Duration::from_secs(10))
}

/// Returns whether a write failed in a way that more room on the disk may correct.
pub(super) fn is_out_of_space(error: &Error) -> bool {
    [DISK_FULL, IO_ERROR].iter().any(|reason| error.detail() == unwritable_detail(reason))
}

fn unwritable_detail(reason: &str) -> String {
    format!("the database cannot be written: {reason}; nothing was stored")
}

/// The error for every request after [`close`](mlbench_core::storage::Storage::close).
pub(super) fn closed() -> Error {
    Error::new(ErrorCode::Unavailable, "the server is shutting down").with_retry_after(Duration::from_secs(1))
}

/// The error for every write after the writer has failed for good.
pub(super) fn failed() -> Error {
    Error::new(ErrorCode::Unavailable, "the writer of the database has failed; nothing was stored")
        .with_retry_after(Duration::from_secs(10))
}

/// The error for a request that waited too long, where `what` is "reads" or "writes".
pub(super) fn overloaded(what: &str) -> Error {
    Error::new(ErrorCode::Overloaded, format!("the server has too many pending {what}; try again"))
        .with_retry_after(Duration::from_secs(1))
}
