//! What the workers of a run show when they post metrics: hashes, good until the run has ended.

use mlbench_core::RunId;
use mlbench_core::storage::TokenHash;
use rusqlite::{Connection, OptionalExtension, params};

use super::rows;
use crate::sqlite::error::StoreError;

pub(crate) fn add(connection: &Connection, id: RunId, token: TokenHash) -> Result<(), StoreError> {
    if rows::one(connection, id)?.state.is_active() {
        let sql = "INSERT INTO run_token (hash, run) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        connection.prepare_cached(sql)?.execute(params![token.0, id.get()])?;
    }
    Ok(())
}

/// Found by an index: what the time of a search tells is of the hash, which nobody can choose.
pub(crate) fn run_of(connection: &Connection, token: TokenHash) -> Result<Option<RunId>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT run FROM run_token WHERE hash = ?1")?;
    let run: Option<i64> = statement.query_row([token.0], |row| row.get(0)).optional()?;
    Ok(run.and_then(RunId::new))
}

/// Ends all tokens of a run.
pub(crate) fn revoke_all(connection: &Connection, id: RunId) -> Result<(), StoreError> {
    connection.prepare_cached("DELETE FROM run_token WHERE run = ?1")?.execute([id.get()])?;
    Ok(())
}
