//! The points of a series between two arrival numbers.
//!
//! Reads little more than these points, however long the series goes on after them: those out of order are listed, and the
//! others have the same order by date and by arrival.

use std::collections::HashSet;

use mlbench_core::Timestamp;
use mlbench_core::chunk::Columns;
use mlbench_core::storage::PointRef;
use rusqlite::{Connection, Row, params};

use super::arrival::before_tail;
use super::blocks::{ALL_FIELDS, position};
use super::chunks;
use super::position::Position;
use super::rows::SeriesRows;
use crate::sqlite::error::StoreError;

/// Rows that are read together.
const ROWS_AT_ONCE: usize = 1_024;

/// Passes the points with arrival numbers in (`after`, `upto`] to `each`, until that returns `false`.
///
/// `each` receives the arrival number and the point with its details.
pub(crate) fn each_between(
    connection: &Connection,
    series: i64,
    (after, upto): (i64, i64),
    mut each: impl FnMut(i64, PointRef<'_>) -> bool,
) -> Result<(), StoreError> {
    let mut wants_more = true;
    chunks::each_arrived(connection, series, (after, upto), |chunk| {
        let (_, points) = chunk.decode(connection, 0..chunk.header.count(), ALL_FIELDS)?;
        for (at, &seq) in points.seqs().iter().enumerate() {
            if wants_more && after < seq && seq <= upto {
                wants_more = each(seq, points.point(at, true));
            }
        }
        Ok(wants_more)
    })?;
    if wants_more { rows_between(connection, series, (after, upto), &mut each) } else { Ok(()) }
}

fn rows_between(
    connection: &Connection,
    series: i64,
    (after, upto): (i64, i64),
    each: &mut impl FnMut(i64, PointRef<'_>) -> bool,
) -> Result<(), StoreError> {
    let rows = SeriesRows { connection, series, details: true };
    let mut out_of_order = HashSet::new();
    let sql = "SELECT date, seq FROM out_of_order_point WHERE series = ?1 AND seq > ?2 AND seq <= ?3";
    let mut listed = connection.prepare_cached(sql)?;
    let mut entries = listed.query(params![series, after, upto])?;
    while let Some(entry) = entries.next()? {
        let position: Position = (Timestamp::from_micros(entry.get(0)?), entry.get(1)?);
        out_of_order.insert(position.1);
        let row = rows.at(position)?;
        if !row.is_empty() && !each(position.1, row.point(0, true)) {
            return Ok(());
        }
    }
    let (Some(mut before), _) = before_tail(connection, series, after)? else { return Ok(()) };
    loop {
        let points = rows.after(before, END, ROWS_AT_ONCE)?.points;
        if points.is_empty() || !tail_between(&rows, &points, (after, upto), &out_of_order, each)? {
            return Ok(());
        }
        before = position(&points, points.len() - 1);
    }
}

/// The position after all points.
const END: Position = (Timestamp::MAX, i64::MAX);

/// Passes on the rows of a tail that are not `out_of_order`. Returns whether more may follow.
fn tail_between(
    rows: &SeriesRows<'_>,
    points: &Columns,
    (after, upto): (i64, i64),
    out_of_order: &HashSet<i64>,
    each: &mut impl FnMut(i64, PointRef<'_>) -> bool,
) -> Result<bool, StoreError> {
    for (at, &number) in points.seqs().iter().enumerate() {
        if number <= after {
            continue;
        }
        let wants_more = match number <= upto {
            true => out_of_order.contains(&number) || each(number, points.point(at, true)),
            // All points in order that follow one in order arrived later still.
            false => is_out_of_order(rows, number)?,
        };
        if !wants_more {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_out_of_order(rows: &SeriesRows<'_>, seq: i64) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM out_of_order_point WHERE series = ?1 AND seq = ?2)";
    let exists = |row: &Row<'_>| row.get(0);
    Ok(rows.connection.prepare_cached(sql)?.query_row([rows.series, seq], exists)?)
}
