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
        Some(ffi::ErrorCode::DiskFull) => disk_full().with_internal(error),
        Some(ffi::ErrorCode::DatabaseBusy | ffi::ErrorCode::DatabaseLocked) => {
            Error::new(ErrorCode::Overloaded, "another program has locked the server's database; try again")
                .with_internal(error)
                .with_retry_after(Duration::from_secs(1))
        }
        _ => Error::internal(format_args!("sqlite: {error}")),
    }
}

const DISK_FULL: &str = "the disk of the server is full; nothing was stored";

/// The error of a write for which the disk has no room.
pub(super) fn disk_full() -> Error {
    Error::new(ErrorCode::Unavailable, DISK_FULL).with_retry_after(Duration::from_secs(10))
}

/// Returns whether an error is that of a full disk.
pub(super) fn is_disk_full(error: &Error) -> bool {
    error.detail() == DISK_FULL
}

/// The error for every request after [`close`](mlbench_core::storage::Storage::close).
pub(super) fn closed() -> Error {
    Error::new(ErrorCode::Unavailable, "the server is shutting down")
}

/// The error for a request that waited too long, where `what` is "reads" or "writes".
pub(super) fn overloaded(what: &str) -> Error {
    Error::new(ErrorCode::Overloaded, format!("the server has too many pending {what}; try again"))
        .with_retry_after(Duration::from_secs(1))
}
