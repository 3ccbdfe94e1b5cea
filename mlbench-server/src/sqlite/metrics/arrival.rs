//! The order in which points arrive: arrival numbers, out-of-order points, new points since a number.
//!
//! Clients that follow a run ask for new points again and again. Nearly all points of a series arrive in the order of
//! their dates, so the newest arrivals are its end, read backwards. The table `out_of_order_point` lists the others: an
//! index on the arrival number would be large, and a list of exceptions is small.

use std::ops::RangeInclusive;

use mlbench_core::storage::SeriesCursor;
use mlbench_core::{MetricName, Timestamp};
use rusqlite::{Connection, Row, params};

use super::page::Page;
use super::scan::{Position, Scan, just_before};
use super::value::count;
use crate::sqlite::error::StoreError;

/// The most out-of-order points that are looked up one by one.
const MAX_LISTED: u32 = 1_000;

/// Returns the highest arrival number given out so far.
pub(crate) fn last(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.prepare_cached("SELECT last FROM arrival")?.query_row([], |row| row.get(0))?)
}

/// Reserves `count` arrival numbers. Returns the one before the first.
pub(crate) fn reserve(connection: &Connection, count: usize) -> Result<i64, StoreError> {
    // No `RETURNING`: SQLite creates and drops a table for its result, which takes longer than the statement.
    let last = last(connection)?;
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    connection.prepare_cached("UPDATE arrival SET last = last + ?1")?.execute([count])?;
    Ok(last)
}

/// Detects out-of-order points of one series while they are written.
pub(super) struct OutOfOrderDetector {
    series: i64,
    newest: Timestamp,
}

impl OutOfOrderDetector {
    /// A detector for a series whose last date is `newest`.
    pub(super) const fn new(series: i64, newest: Timestamp) -> Self {
        Self { series, newest }
    }

    /// The row of the series.
    pub(super) const fn series(&self) -> i64 {
        self.series
    }

    /// Lists a point as out of order if an earlier arrival has a later date.
    pub(super) fn observe(
        &mut self,
        connection: &Connection,
        date: Timestamp,
        seq: i64,
    ) -> Result<(), StoreError> {
        if date >= self.newest {
            self.newest = date;
            return Ok(());
        }
        let sql = "INSERT INTO out_of_order_point (series, seq, date) VALUES (?1, ?2, ?3)";
        connection.prepare_cached(sql)?.execute(params![self.series, seq, date.as_micros()])?;
        Ok(())
    }
}

/// The out-of-order points of a series among some arrivals.
enum OutOfOrder {
    /// All of them, in order.
    Few(Vec<Position>),
    /// The first of more than [`MAX_LISTED`].
    Many(Position),
}

fn out_of_order_in(
    connection: &Connection,
    series: i64,
    arrivals: &RangeInclusive<i64>,
) -> Result<OutOfOrder, StoreError> {
    let sql = "SELECT date, seq FROM out_of_order_point WHERE series = ?1 AND seq BETWEEN ?2 AND ?3 LIMIT ?4";
    let range = params![series, arrivals.start(), arrivals.end(), MAX_LISTED + 1];
    let mut statement = connection.prepare_cached(sql)?;
    let position = |row: &Row<'_>| Ok((Timestamp::from_micros(row.get(0)?), row.get(1)?));
    let mut few = statement.query_map(range, position)?.collect::<rusqlite::Result<Vec<_>>>()?;
    if few.len() <= MAX_LISTED as usize {
        few.sort_unstable();
        return Ok(OutOfOrder::Few(few));
    }
    let sql = "SELECT date, seq FROM out_of_order_point WHERE series = ?1 AND seq BETWEEN ?2 AND ?3 \
               ORDER BY date, seq LIMIT 1";
    let range = params![series, arrivals.start(), arrivals.end()];
    Ok(OutOfOrder::Many(connection.prepare_cached(sql)?.query_row(range, position)?))
}

/// Counts the points of a series that arrived after `seq`: its tail, and the out-of-order points before that.
pub(super) fn count_since(connection: &Connection, series: i64, seq: i64) -> Result<u64, StoreError> {
    let (tail, first) = tail_since(connection, series, seq)?;
    let sql =
        "SELECT count(*) FROM out_of_order_point WHERE series = ?1 AND seq > ?2 AND (date, seq) < (?3, ?4)";
    let (date, first) = first.map_or((i64::MAX, i64::MAX), |(date, seq)| (date.as_micros(), seq));
    let before =
        connection.prepare_cached(sql)?.query_row([series, seq, date, first], |row| count(row, 0))?;
    Ok(tail + before)
}

/// Returns the length of the tail of a series that arrived after `seq`, and its first point.
///
/// The tail is everything after the last point, by date, that arrived at `seq` or earlier.
fn tail_since(connection: &Connection, series: i64, seq: i64) -> Result<(u64, Option<Position>), StoreError> {
    let sql = "SELECT seq, date FROM point WHERE series = ?1 ORDER BY date DESC, seq DESC";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([series])?;
    let (mut count, mut first) = (0, None);
    while let Some(row) = rows.next()? {
        let arrival: i64 = row.get(0)?;
        if arrival <= seq {
            break;
        }
        count += 1;
        first = Some((Timestamp::from_micros(row.get(1)?), arrival));
    }
    Ok((count, first))
}

/// Decides where to begin reading the points that arrived after `seq`. Returns `None` when there are none.
pub(super) fn start_since(scan: &Scan<'_>, seq: i64) -> Result<Option<SeriesCursor>, StoreError> {
    let (_, first) = tail_since(scan.connection, scan.series, seq)?;
    let tail = first.map_or((Timestamp::MAX, i64::MAX), just_before);
    let out_of_order = out_of_order_in(scan.connection, scan.series, &(seq + 1..=scan.as_of))?;
    let start = scan.start();
    Ok(match out_of_order {
        OutOfOrder::Few(points) if points.iter().any(|point| *point <= tail) => {
            Some(SeriesCursor::Late { after: start, others: tail })
        }
        OutOfOrder::Few(_) if first.is_none() => None,
        OutOfOrder::Few(_) => Some(SeriesCursor::Points { after: tail.max(start) }),
        OutOfOrder::Many(first) => {
            Some(SeriesCursor::Points { after: just_before(first).min(tail).max(start) })
        }
    })
}

/// Sends the out-of-order points up to `tail`, then the points after it.
///
/// Returns the cursor of the next page when the page is full, `None` at the end of the series.
pub(super) fn send_since(
    scan: &Scan<'_>,
    name: &MetricName,
    after: Position,
    tail: Position,
    page: &mut Page<'_>,
) -> Result<Option<SeriesCursor>, StoreError> {
    let first = scan.arrived_after.unwrap_or(0) + 1;
    let OutOfOrder::Few(points) = out_of_order_in(scan.connection, scan.series, &(first..=scan.as_of))?
    else {
        return Err(StoreError::corrupt("out-of-order points", "their number grew between two pages"));
    };
    let selected = |point: &&Position| **point > after && **point <= tail && point.0 <= scan.until;
    let mut begun = false;
    for position in points.iter().filter(selected) {
        if !std::mem::replace(&mut begun, true) {
            page.sink.series(name);
        }
        scan.each(just_before(*position), |_, point| {
            page.sink.point(point);
            Ok(false)
        })?;
        page.remaining -= 1;
        if page.is_full() {
            return Ok(Some(SeriesCursor::Late { after: *position, others: tail }));
        }
    }
    let full = scan.send(name, tail.max(scan.start()), page)?;
    Ok(full.map(|after| SeriesCursor::Points { after }))
}

/// Deletes up to `limit` out-of-order entries of a series. Returns how many it deleted.
pub(crate) fn delete_some(connection: &Connection, series: i64, limit: u32) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM out_of_order_point WHERE (series, seq) IN \
               (SELECT series, seq FROM out_of_order_point WHERE series = ?1 LIMIT ?2)";
    connection.prepare_cached(sql)?.execute(params![series, limit])
}
