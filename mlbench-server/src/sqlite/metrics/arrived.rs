//! The points of a series between two arrival numbers.
//!
//! Reads little more than these points, however long the series goes on after them: those out of order are listed, and the
//! others have the same order by date and by arrival.

use std::collections::HashSet;

use mlbench_core::Timestamp;
use mlbench_core::storage::PointRef;
use rusqlite::{Connection, Row, params};

use super::arrival::before_tail;
use super::scan::{Position, Scan, just_before, seq};
use crate::sqlite::error::StoreError;

/// Passes the points with arrival numbers in (`after`, `upto`] to `each`, until that returns `false`.
///
/// `each` receives the arrival number and the point with its details.
pub(crate) fn each_between(
    connection: &Connection,
    series: i64,
    (after, upto): (i64, i64),
    mut each: impl FnMut(i64, PointRef<'_>) -> bool,
) -> Result<(), StoreError> {
    let scan = Scan {
        connection,
        series,
        since: Timestamp::EPOCH,
        until: Timestamp::MAX,
        as_of: i64::MAX,
        arrived_after: None,
        details: true,
        has_later: false,
        has_newer: false,
    };
    let (mut wants_more, mut out_of_order) = (true, HashSet::new());
    let sql = "SELECT date, seq FROM out_of_order_point WHERE series = ?1 AND seq > ?2 AND seq <= ?3";
    let mut listed = connection.prepare_cached(sql)?;
    let mut rows = listed.query(params![series, after, upto])?;
    while let Some(row) = rows.next()?.filter(|_| wants_more) {
        let position: Position = (Timestamp::from_micros(row.get(0)?), row.get(1)?);
        out_of_order.insert(position.1);
        scan.each(just_before(position), |_, point| {
            wants_more = each(position.1, point);
            Ok(false)
        })?;
    }
    let Some(before) = before_tail(&scan, after)?.filter(|_| wants_more) else { return Ok(()) };
    scan.each(before, |row, point| {
        let number = seq(row)?;
        if number <= after {
            return Ok(true);
        }
        if number <= upto {
            return Ok(out_of_order.contains(&number) || each(number, point));
        }
        // All points in order that follow one in order arrived later still.
        is_out_of_order(&scan, number)
    })
}

fn is_out_of_order(scan: &Scan<'_>, seq: i64) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM out_of_order_point WHERE series = ?1 AND seq = ?2)";
    let exists = |row: &Row<'_>| row.get(0);
    Ok(scan.connection.prepare_cached(sql)?.query_row([scan.series, seq], exists)?)
}
