//! Brings a database to the schema of this version.
//!
//! `PRAGMA user_version` counts the steps that have been applied. Each step runs in a transaction of its own, so an
//! interrupted migration continues with the step that was interrupted.

use std::path::Path;

use mlbench_core::{Error, ErrorCode};
use rusqlite::{Connection, TransactionBehavior};

use crate::sqlite::error::StoreError;

/// The steps from an empty database to the current schema. A released step never changes.
pub(crate) const STEPS: &[&str] = &[
    include_str!("../schema/0001.sql"),
    include_str!("../schema/0002.sql"),
    include_str!("../schema/0003.sql"),
    include_str!("../schema/0004.sql"),
    include_str!("../schema/0005.sql"),
];

/// Marks a database as one of mlbench: the bytes "mlbn".
const APPLICATION_ID: i32 = 0x6d6c_626e;

/// Returns how many of `steps` were applied to a database.
///
/// # Errors
/// [`Unavailable`](ErrorCode::Unavailable) when the database belongs to a newer server or to another program, with a
/// one-line message for the operator.
pub(crate) fn version(connection: &Connection, path: &Path, steps: &[&str]) -> Result<u32, StoreError> {
    let version: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let refuse = |reason: String| {
        StoreError::from(Error::new(ErrorCode::Unavailable, format!("database {}: {reason}", path.display())))
    };
    if version as usize > steps.len() {
        return Err(refuse(format!(
            "written by a newer mlbench server (schema {version}, this server supports up to {}); use that server \
             or choose another database",
            steps.len()
        )));
    }
    let application: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION_ID && (application != 0 || tables > 0) {
        return Err(refuse("belongs to another program; choose another file".to_owned()));
    }
    Ok(version)
}

/// Refuses a database without the schema of this version.
///
/// # Errors
/// Those of [`version`], and a message that names the command which changes an older schema.
pub(crate) fn check_current(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let (version, path) = (version(connection, path, STEPS)?, path.display());
    let reason = match version as usize {
        current if current == STEPS.len() => return Ok(()),
        0 => "is empty; choose another file".to_owned(),
        older => format!(
            "has schema {older} of an older server, this one has {}; run `mlbench-server migrate` first",
            STEPS.len()
        ),
    };
    Err(Error::new(ErrorCode::Unavailable, format!("database {path}: {reason}")).into())
}

/// Applies the missing ones of `steps`.
///
/// # Errors
/// Those of [`version`].
pub(crate) fn migrate(connection: &mut Connection, path: &Path, steps: &[&str]) -> Result<(), StoreError> {
    let version = version(connection, path, steps)?;
    for (next, sql) in (1_u32..).zip(steps).skip(version as usize) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        apply(&transaction, sql, next)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Applies one step, in a transaction of the caller.
pub(crate) fn apply(connection: &Connection, sql: &str, number: u32) -> rusqlite::Result<()> {
    connection.execute_batch(sql)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", number)
}
