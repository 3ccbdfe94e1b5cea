//! Deletes the rows of deleted runs in small steps, each a transaction between other jobs of the writer.
//!
//! Deleting a run with millions of points in one transaction would block every other write for seconds. The row of the
//! run is deleted last, after its teardown, so a restarted server continues an interrupted purge.

use rusqlite::{Connection, TransactionBehavior, params};

use super::labels;
use crate::sqlite::idempotency;
use crate::sqlite::metrics::owner::OwnerRow;
use crate::sqlite::metrics::recent::RecentArrivals;
use crate::sqlite::metrics::{arrival, chunks};

/// Points or keys deleted per step: about 2 ms.
const ROWS_PER_STEP: u32 = 2_000;
/// Chunks deleted per step. A chunk may have some hundred KiB.
const CHUNKS_PER_STEP: u32 = 8;
/// Output lines deleted per step. A line may have 16 KiB.
const LINES_PER_STEP: u32 = 500;

/// Deletes one part. Returns whether more may be left.
pub(crate) fn step(connection: &mut Connection, recent: &RecentArrivals) -> rusqlite::Result<bool> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let runs: Vec<(i64, i64)> = transaction
        .prepare_cached("SELECT id, deletion FROM run WHERE deletion > 0 ORDER BY deletion, id")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut deleted = false;
    for (run, deletion) in runs {
        deleted =
            delete_contents(&transaction, recent, run)? || (deletion == 2 && delete_run(&transaction, run)?);
        if deleted {
            break;
        }
    }
    transaction.commit()?;
    Ok(deleted)
}

/// Deletes a part of the rows that belong to a run. Returns whether it found any.
fn delete_contents(connection: &Connection, recent: &RecentArrivals, run: i64) -> rusqlite::Result<bool> {
    let owner = OwnerRow::run(run);
    if let Some(series) = owner.any_series(connection)? {
        let sql = "DELETE FROM point WHERE (series, date, seq) IN \
                   (SELECT series, date, seq FROM point WHERE series = ?1 LIMIT ?2)";
        let points = connection.prepare_cached(sql)?.execute(params![series, ROWS_PER_STEP])?;
        if points == 0
            && arrival::delete_some(connection, series, ROWS_PER_STEP)? == 0
            && chunks::delete_some(connection, series, CHUNKS_PER_STEP)? == 0
        {
            connection.prepare_cached("DELETE FROM series WHERE id = ?1")?.execute([series])?;
            // If this is rolled back, the run is deleted all the same.
            recent.remove(owner, series);
        }
        return Ok(true);
    }
    let sql = "DELETE FROM log_line WHERE (run, stream, seq) IN \
               (SELECT run, stream, seq FROM log_line WHERE run = ?1 LIMIT ?2)";
    if connection.prepare_cached(sql)?.execute(params![run, LINES_PER_STEP])? > 0 {
        return Ok(true);
    }
    let sql = "DELETE FROM imported_usage WHERE (run, seq) IN \
               (SELECT run, seq FROM imported_usage WHERE run = ?1 LIMIT ?2)";
    if connection.prepare_cached(sql)?.execute(params![run, CHUNKS_PER_STEP])? > 0 {
        return Ok(true);
    }
    Ok(idempotency::delete_some(connection, run, ROWS_PER_STEP)? > 0)
}

/// Deletes the run itself.
fn delete_run(connection: &Connection, run: i64) -> rusqlite::Result<bool> {
    labels::delete(connection, run)?;
    for sql in [
        "DELETE FROM run_output WHERE run = ?1",
        "DELETE FROM run_rank WHERE run = ?1",
        "DELETE FROM run WHERE id = ?1",
    ] {
        connection.prepare_cached(sql)?.execute([run])?;
    }
    Ok(true)
}
