//! The order in which points arrive: arrival numbers, out-of-order points, new points since a number.
//!
//! Clients that follow a run ask for new points again and again. A chunk says which numbers it has. Nearly all rows of a
//! series arrive in the order of their dates, so the newest arrivals are its end, read backwards. The table
//! `out_of_order_point` lists the other rows: an index on the arrival number would be large, and a list of exceptions is
//! small.

use std::vec::IntoIter;

use mlbench_core::chunk::Fields;
use mlbench_core::storage::SeriesCursor;
use mlbench_core::{MetricName, Timestamp};
use rusqlite::{Connection, Row, params};

use super::chunks::{self, StoredChunk};
use super::page::Page;
use super::position::{Position, just_before};
use super::scan::Scan;
use super::value::count;
use crate::sqlite::error::StoreError;

/// The most out-of-order points that are looked up one by one. A cursor holds them: 320 kB.
const MAX_LISTED: u32 = 20_000;
/// The most out-of-order points among which the first date is searched.
const MAX_SEARCHED: u32 = 200_000;
/// The longest tail that is read backwards to find its first point.
const MAX_TAIL: u32 = 2_000;

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

/// The new out-of-order points of a series.
enum OutOfOrder {
    /// All of them that the query selects before the tail, in order.
    Few(Vec<Position>),
    /// A position before the first of more than [`MAX_LISTED`].
    Many(Position),
}

/// Finds the out-of-order points that arrived after `seq`. Those after `tail` are part of the tail.
fn out_of_order_since(
    scan: &Scan<'_>,
    seq: i64,
    tail: Position,
    page: &mut Page<'_>,
) -> Result<OutOfOrder, StoreError> {
    let sql =
        "SELECT date, seq FROM out_of_order_point WHERE series = ?1 AND seq > ?2 AND seq <= ?3 LIMIT ?4";
    let mut statement = scan.connection.prepare_cached(sql)?;
    let position = |row: &Row<'_>| Ok((Timestamp::from_micros(row.get(0)?), row.get(1)?));
    let range = params![scan.series, seq, scan.as_of, MAX_LISTED + 1];
    let mut few = statement.query_map(range, position)?.collect::<rusqlite::Result<Vec<Position>>>()?;
    page.skip(few.len());
    if few.len() > MAX_LISTED as usize {
        return first_date_since(scan, seq, page).map(|date| OutOfOrder::Many((date, 0)));
    }
    let start = scan.start();
    few.retain(|point| *point > start && *point <= tail && point.0 <= scan.until);
    few.sort_unstable();
    Ok(OutOfOrder::Few(few))
}

/// Returns the first date of the new out-of-order points, or that of the query if they are too many.
fn first_date_since(scan: &Scan<'_>, seq: i64, page: &mut Page<'_>) -> Result<Timestamp, StoreError> {
    let sql = "SELECT count(*), min(date) FROM (SELECT date FROM out_of_order_point \
               WHERE series = ?1 AND seq > ?2 AND seq <= ?3 LIMIT ?4)";
    let range = params![scan.series, seq, scan.as_of, MAX_SEARCHED];
    let (searched, first): (u32, i64) =
        scan.connection.prepare_cached(sql)?.query_row(range, |row| Ok((row.get(0)?, row.get(1)?)))?;
    page.skip(searched as usize);
    Ok(if searched < MAX_SEARCHED { Timestamp::from_micros(first) } else { scan.since })
}

/// Counts the points of a series that arrived after `seq`.
///
/// Returns more than `at_most` as soon as there are more, or when the page has no time to look at all of them. What it
/// reads counts for the page.
pub(super) fn count_since(
    scan: &Scan<'_>,
    seq: i64,
    at_most: u64,
    page: &mut Page<'_>,
) -> Result<u64, StoreError> {
    let Scan { connection, series, .. } = *scan;
    let mut count = rows_since(connection, series, (seq, at_most))?;
    page.read(usize::try_from(count).unwrap_or(usize::MAX));
    if count <= at_most {
        chunks::each_arrived(connection, series, (seq, i64::MAX), |chunk| {
            count += chunk_since(connection, &chunk, seq)?;
            page.read(chunk.header.count());
            // A chunk of old points with a new one is read whole.
            if page.is_read() {
                count = at_most.saturating_add(1);
            }
            Ok(count <= at_most)
        })?;
    }
    Ok(count)
}

fn chunk_since(connection: &Connection, chunk: &StoredChunk, seq: i64) -> Result<u64, StoreError> {
    let points = chunk.header.count();
    if chunk.header.seqs().0 > seq {
        return Ok(points as u64);
    }
    let (_, points) = chunk.decode(connection, 0..points, Fields { seqs: true, details: false })?;
    Ok(points.seqs().iter().filter(|arrival| **arrival > seq).count() as u64)
}

/// Counts the rows of a series that arrived after `seq`: its tail, and the out-of-order rows before that.
///
/// Stops after more than `at_most` of each.
fn rows_since(connection: &Connection, series: i64, (seq, at_most): (i64, u64)) -> Result<u64, StoreError> {
    let (tail, first) = tail_since(connection, series, (seq, at_most))?;
    if tail > at_most {
        return Ok(tail);
    }
    let sql = "SELECT count(*) FILTER (WHERE (date, seq) < (?3, ?4)), count(*) FROM \
               (SELECT date, seq FROM out_of_order_point WHERE series = ?1 AND seq > ?2 LIMIT ?5)";
    let (date, first) = first.map_or((i64::MAX, i64::MAX), |(date, seq)| (date.as_micros(), seq));
    let limit = i64::try_from(at_most).unwrap_or(i64::MAX).saturating_add(1);
    let read = |row: &Row<'_>| Ok((count(row, 0)?, count(row, 1)?));
    let (before, listed) =
        connection.prepare_cached(sql)?.query_row([series, seq, date, first, limit], read)?;
    Ok(if listed > at_most { listed } else { tail + before })
}

/// Returns the length of the tail of a series that arrived after `seq`, and its first point.
///
/// The tail is everything after the last point, by date, that arrived at `seq` or earlier. Of one longer than `at_most`,
/// the end.
fn tail_since(
    connection: &Connection,
    series: i64,
    (seq, at_most): (i64, u64),
) -> Result<(u64, Option<Position>), StoreError> {
    let sql = "SELECT seq, date FROM point WHERE series = ?1 ORDER BY date DESC, seq DESC";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([series])?;
    let (mut count, mut first) = (0, None);
    while let Some(row) = rows.next()? {
        let arrival: i64 = row.get(0)?;
        if arrival <= seq || count > at_most {
            break;
        }
        count += 1;
        first = Some((Timestamp::from_micros(row.get(1)?), arrival));
    }
    Ok((count, first))
}

/// Returns a position before which all new points are out of order.
///
/// That is the position before the tail, or one of an earlier point if the tail is long. `None` without a tail. Returns
/// also how many points it read.
pub(super) fn before_tail(
    connection: &Connection,
    series: i64,
    seq: i64,
) -> Result<(Option<Position>, usize), StoreError> {
    let sql = "SELECT seq, date FROM point WHERE series = ?1 ORDER BY date DESC, seq DESC LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![series, MAX_TAIL])?;
    let (mut first, mut length) = (None, 0);
    while let Some(row) = rows.next()? {
        let arrival: i64 = row.get(0)?;
        if arrival <= seq {
            break;
        }
        first = Some((Timestamp::from_micros(row.get(1)?), arrival));
        length += 1;
    }
    let before = match first {
        Some((date, _)) if length == MAX_TAIL => Some(some_point_before_tail(connection, series, seq, date)?),
        first => first.map(just_before),
    };
    Ok((before, length as usize))
}

/// Returns the position of a point that arrived at `seq` or earlier, or the position before all points.
///
/// It is near the last such point, because nearly all points have the same order by date and by arrival. Reads a point
/// per bisection of the dates before `end`, however long the tail is.
fn some_point_before_tail(
    connection: &Connection,
    series: i64,
    seq: i64,
    end: Timestamp,
) -> Result<Position, StoreError> {
    let sql = "SELECT date, seq FROM point WHERE series = ?1 AND date >= ?2 ORDER BY date, seq LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    let (mut low, mut high, mut found) = (0, end.as_micros(), (Timestamp::EPOCH, 0));
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        let (date, arrival): (i64, i64) =
            statement.query_row([series, middle], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if arrival <= seq {
            found = (Timestamp::from_micros(date), arrival);
            low = date;
        } else {
            high = middle;
        }
    }
    Ok(found)
}

/// Decides where to begin reading the points that arrived after `seq`. Returns `None` when there are none.
pub(super) fn start_since(
    scan: &Scan<'_>,
    seq: i64,
    page: &mut Page<'_>,
) -> Result<Option<SeriesCursor>, StoreError> {
    let (before_tail, read) = before_tail(scan.connection, scan.series, seq)?;
    page.skip(read);
    let tail = before_tail.unwrap_or((Timestamp::MAX, i64::MAX));
    let start = scan.start();
    let sealed = chunks::first_arrived(scan.connection, scan.series, seq)?.map(just_before);
    let late = out_of_order_since(scan, seq, tail, page)?;
    let rows = rows_start(scan, late, before_tail, tail);
    // Among sealed points the new ones are found by reading on.
    Ok(match (sealed, rows) {
        (None, rows) => rows,
        (Some(sealed), None) => Some(SeriesCursor::Points { after: sealed.max(start) }),
        (Some(sealed), Some(SeriesCursor::Late { late, others })) => {
            let first = late.as_slice().first().map_or(others, |first| just_before(*first));
            Some(SeriesCursor::Points { after: first.min(others).min(sealed).max(start) })
        }
        (Some(sealed), Some(SeriesCursor::Points { after })) => {
            Some(SeriesCursor::Points { after: after.min(sealed).max(start) })
        }
        (Some(_), other) => other,
    })
}

/// Decides where to begin reading the new rows.
fn rows_start(
    scan: &Scan<'_>,
    late: OutOfOrder,
    before_tail: Option<Position>,
    tail: Position,
) -> Option<SeriesCursor> {
    let start = scan.start();
    match late {
        OutOfOrder::Few(late) if !late.is_empty() => {
            Some(SeriesCursor::Late { late: late.into_iter(), others: tail })
        }
        OutOfOrder::Few(_) => before_tail.map(|tail| SeriesCursor::Points { after: tail.max(start) }),
        OutOfOrder::Many(first) => Some(SeriesCursor::Points { after: first.min(tail).max(start) }),
    }
}

/// Sends the out-of-order points, then the points after `tail`.
///
/// Returns the cursor of the next page when the page is full, `None` at the end of the series.
pub(super) fn send_since(
    scan: &Scan<'_>,
    name: &MetricName,
    mut late: IntoIter<Position>,
    tail: Position,
    page: &mut Page<'_>,
) -> Result<Option<SeriesCursor>, StoreError> {
    if !late.as_slice().is_empty() {
        page.sink.series(name);
    }
    while let Some(position) = late.next() {
        let row = scan.blocks().rows().at(position)?;
        match row.is_empty() {
            false => page.sink.point(row.point(0, scan.details)),
            // It was sealed after the first page.
            true => scan.each(just_before(position), |_, point| {
                page.sink.point(point);
                Ok(false)
            })?,
        }
        page.remaining -= 1;
        if page.is_full() {
            return Ok(Some(SeriesCursor::Late { late, others: tail }));
        }
    }
    let full = scan.send(name, tail.max(scan.start()), page)?;
    Ok(full.map(|after| SeriesCursor::Points { after }))
}

/// Deletes the entries of rows between two positions that arrived in (`after`, `upto`].
pub(crate) fn delete_between(
    connection: &Connection,
    series: i64,
    (first, last): (Position, Position),
    (after, upto): (i64, i64),
) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM out_of_order_point WHERE series = ?1 AND seq > ?2 AND seq <= ?3 \
               AND (date, seq) >= (?4, ?5) AND (date, seq) <= (?6, ?7)";
    let (first, last) = ((first.0.as_micros(), first.1), (last.0.as_micros(), last.1));
    connection.prepare_cached(sql)?.execute([series, after, upto, first.0, first.1, last.0, last.1])
}

/// Deletes up to `limit` out-of-order entries of a series. Returns how many it deleted.
pub(crate) fn delete_some(connection: &Connection, series: i64, limit: u32) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM out_of_order_point WHERE (series, seq) IN \
               (SELECT series, seq FROM out_of_order_point WHERE series = ?1 LIMIT ?2)";
    connection.prepare_cached(sql)?.execute(params![series, limit])
}
