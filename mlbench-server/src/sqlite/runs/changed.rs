//! Arrival numbers of the changes of runs, for readers that follow them.
//!
//! A run keeps the number of its last change: a reader gets the run as it is now, not each of its former states. A deleted
//! run leaves an entry in a table of the newest deletions.

use mlbench_core::RunId;
use rusqlite::Connection;

use crate::sqlite::error::StoreError;
use crate::sqlite::metrics::arrival;

/// How many deletions are remembered.
const MAX_DELETIONS: i64 = 10_000;

/// Returns the number after which all deletions are remembered.
pub(crate) fn deletions_from(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.prepare_cached("SELECT deletions_from FROM arrival")?.query_row([], |row| row.get(0))?)
}

/// Returns the number of the last teardown.
pub(crate) fn last_teardown(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.prepare_cached("SELECT teardown FROM arrival")?.query_row([], |row| row.get(0))?)
}

/// Records that a deleted run was torn down, which only the queue shows.
pub(super) fn mark_teardown(connection: &Connection) -> Result<(), StoreError> {
    let seq = arrival::reserve(connection, 1)? + 1;
    connection.prepare_cached("UPDATE arrival SET teardown = ?1")?.execute([seq])?;
    Ok(())
}

/// Gives a run the next arrival number.
pub(super) fn mark(connection: &Connection, id: RunId) -> Result<(), StoreError> {
    let seq = arrival::reserve(connection, 1)? + 1;
    connection.prepare_cached("UPDATE run SET changed = ?2 WHERE id = ?1")?.execute([id.get(), seq])?;
    Ok(())
}

/// Records the deletion of a run, and forgets the oldest deletion beyond [`MAX_DELETIONS`].
pub(super) fn mark_deleted(connection: &Connection, id: RunId) -> Result<(), StoreError> {
    mark(connection, id)?;
    let sql = "INSERT INTO run_deletion (seq, run) SELECT changed, id FROM run WHERE id = ?1";
    connection.prepare_cached(sql)?.execute([id.get()])?;
    let sql = "SELECT seq FROM run_deletion ORDER BY seq DESC LIMIT 1 OFFSET ?1";
    let mut oldest = connection.prepare_cached(sql)?;
    let mut rows = oldest.query([MAX_DELETIONS])?;
    if let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        connection.prepare_cached("DELETE FROM run_deletion WHERE seq <= ?1")?.execute([seq])?;
        connection.prepare_cached("UPDATE arrival SET deletions_from = ?1")?.execute([seq])?;
    }
    Ok(())
}
