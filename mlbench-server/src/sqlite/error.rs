//! What can go wrong between a use case and its SQL, and what the caller is told of it.

use std::time::Duration;

use mlbench_core::{Error, ErrorCode};
use rusqlite::ffi;

/// A refusal of the use case, or a failure of the database beneath it.
#[derive(Debug)]
pub(super) enum StoreError {
    Domain(Error),
    Sqlite(rusqlite::Error),
}

impl StoreError {
    /// Something stored does not read back: written by another program, or a defect here.
    pub(super) fn corrupt(what: &str, why: impl std::fmt::Display) -> Self {
        Self::Domain(Error::internal(format_args!("stored {what} cannot be read: {why}")))
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
            StoreError::Sqlite(error) => from_sql(&error),
        }
    }
}

fn from_sql(error: &rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ffi::ErrorCode::DiskFull) => {
            Error::new(ErrorCode::Unavailable, "the disk of the server is full; nothing was stored")
                .with_internal(error)
                .with_retry_after(Duration::from_secs(10))
        }
        Some(ffi::ErrorCode::DatabaseBusy | ffi::ErrorCode::DatabaseLocked) => {
            Error::new(ErrorCode::Overloaded, "another program holds the database of the server; try again")
                .with_internal(error)
                .with_retry_after(Duration::from_secs(1))
        }
        _ => Error::internal(format_args!("sqlite: {error}")),
    }
}

/// The answer to everything after [`close`](mlbench_core::storage::Storage::close).
pub(super) fn closed() -> Error {
    Error::new(ErrorCode::Unavailable, "the server is shutting down")
}

/// The answer when nobody could be served in time.
pub(super) fn overloaded(what: &str) -> Error {
    Error::new(ErrorCode::Overloaded, format!("the server has more {what} than it can do; try again"))
        .with_retry_after(Duration::from_secs(1))
}
