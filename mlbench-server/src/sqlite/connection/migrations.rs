//! The versions of the schema: `PRAGMA user_version` counts the steps that were taken, each in a transaction
//! of its own.

use std::path::Path;

use mlbench_core::{Error, ErrorCode};
use rusqlite::{Connection, TransactionBehavior};

use crate::sqlite::error::StoreError;

/// Never changed once released, only added to.
const STEPS: [&str; 5] = [
    include_str!("../schema/0001.sql"),
    include_str!("../schema/0002.sql"),
    include_str!("../schema/0003.sql"),
    include_str!("../schema/0004.sql"),
    include_str!("../schema/0005.sql"),
];

/// Marks the file as ours: "mlbn".
const APPLICATION_ID: i32 = 0x6d6c_626e;

/// Brings the database to the newest version.
///
/// # Errors
/// When it belongs to a newer server or to another program, in one sentence for the operator.
pub(crate) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let version: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let refuse = |why: String| {
        StoreError::from(Error::new(ErrorCode::Unavailable, format!("the database {} {why}", path.display())))
    };
    if version as usize > STEPS.len() {
        return Err(refuse(format!(
            "was written by a newer mlbench server (its version is {version}, this server knows {}); use that \
             server or another database",
            STEPS.len()
        )));
    }
    let application: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION_ID && (application != 0 || tables > 0) {
        return Err(refuse("belongs to another program; choose another file".to_owned()));
    }
    for (next, sql) in (1_u32..).zip(STEPS).skip(version as usize) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", next)?;
        transaction.commit()?;
    }
    Ok(())
}
