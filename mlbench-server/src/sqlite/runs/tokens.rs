//! Tokens with which the workers of a run post metrics. Only hashes are stored, until the run ends.

use mlbench_core::RunId;
use mlbench_core::storage::TokenHash;
use rusqlite::{Connection, OptionalExtension, params};

use super::rows;
use crate::sqlite::error::StoreError;

/// Adds a token to an active run.
pub(crate) fn add(connection: &Connection, id: RunId, token: TokenHash) -> Result<(), StoreError> {
    if rows::get(connection, id)?.state.is_active() {
        let sql = "INSERT INTO run_token (hash, run) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        connection.prepare_cached(sql)?.execute(params![token.0, id.get()])?;
    }
    Ok(())
}

/// Finds the run of a token.
///
/// The duration of the index lookup depends on the hash, which a client cannot choose, so it leaks nothing of a token.
pub(crate) fn find_run(connection: &Connection, token: TokenHash) -> Result<Option<RunId>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT run FROM run_token WHERE hash = ?1")?;
    let run: Option<i64> = statement.query_row([token.0], |row| row.get(0)).optional()?;
    Ok(run.and_then(RunId::new))
}

/// Revokes all tokens of a run.
pub(super) fn revoke_all(connection: &Connection, id: RunId) -> Result<(), StoreError> {
    connection.prepare_cached("DELETE FROM run_token WHERE run = ?1")?.execute([id.get()])?;
    Ok(())
}
