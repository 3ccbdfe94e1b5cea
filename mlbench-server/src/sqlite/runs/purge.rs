//! What deleted runs leave behind is removed in small steps, each a transaction between the writer's other
//! work.
//!
//! A run with 10 million points would otherwise hold every other write up for seconds. The row of the run
//! stays until the rest is gone, so a restarted server goes on where the old one stopped; and until its
//! teardown is complete.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::sqlite::metrics::record::OwnerKind;

/// Points and keys per step: about 2 ms.
const SMALL_ROWS: u32 = 2_000;
/// Lines per step: they may have 16 KiB each.
const LINES: u32 = 500;

/// Removes one portion; says whether there may be more.
pub(crate) fn step(connection: &mut Connection) -> rusqlite::Result<bool> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let runs: Vec<(i64, i64)> = transaction
        .prepare_cached("SELECT id, deletion FROM run WHERE deletion > 0 ORDER BY deletion, id")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut worked = false;
    for (run, deletion) in runs {
        worked = contents(&transaction, run)? || (deletion == 2 && row(&transaction, run)?);
        if worked {
            break;
        }
    }
    transaction.commit()?;
    Ok(worked)
}

/// Removes a portion of what was the run's own; whether there was any.
fn contents(connection: &Connection, run: i64) -> rusqlite::Result<bool> {
    let kind = OwnerKind::Run as i64;
    let series: Option<i64> = connection
        .prepare_cached("SELECT id FROM series WHERE owner_kind = ?1 AND owner = ?2 LIMIT 1")?
        .query_row([kind, run], |row| row.get(0))
        .optional()?;
    if let Some(series) = series {
        let sql = "DELETE FROM point WHERE (series, date, seq) IN \
                   (SELECT series, date, seq FROM point WHERE series = ?1 LIMIT ?2)";
        let late = "DELETE FROM out_of_order_point WHERE (series, seq) IN \
                    (SELECT series, seq FROM out_of_order_point WHERE series = ?1 LIMIT ?2)";
        let none_of = |sql| -> rusqlite::Result<bool> {
            Ok(connection.prepare_cached(sql)?.execute(params![series, SMALL_ROWS])? == 0)
        };
        if none_of(sql)? && none_of(late)? {
            connection.prepare_cached("DELETE FROM series WHERE id = ?1")?.execute([series])?;
        }
        return Ok(true);
    }
    let sql = "DELETE FROM log_line WHERE (run, stream, seq) IN \
               (SELECT run, stream, seq FROM log_line WHERE run = ?1 LIMIT ?2)";
    if connection.prepare_cached(sql)?.execute(params![run, LINES])? > 0 {
        return Ok(true);
    }
    let sql = "DELETE FROM metric_key WHERE id IN \
               (SELECT id FROM metric_key WHERE owner_kind = ?1 AND owner = ?2 LIMIT ?3)";
    Ok(connection.prepare_cached(sql)?.execute(params![kind, run, SMALL_ROWS])? > 0)
}

/// Removes the run itself.
fn row(connection: &Connection, run: i64) -> rusqlite::Result<bool> {
    for sql in [
        "DELETE FROM run_output WHERE run = ?1",
        "DELETE FROM run_rank WHERE run = ?1",
        "DELETE FROM run WHERE id = ?1",
    ] {
        connection.prepare_cached(sql)?.execute([run])?;
    }
    Ok(true)
}
