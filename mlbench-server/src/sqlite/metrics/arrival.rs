//! Points that arrive late: after one of their series that has a later date.
//!
//! What arrived after a number is asked for again and again by everybody who watches a run. An index on the arrival
//! would take some 15 bytes of every point. But nearly all points of a series arrive in the order of their dates, so
//! those that arrived last are its end, read backwards; the few that are not are kept here by name.

use std::ops::RangeInclusive;

use mlbench_core::Timestamp;
use rusqlite::{Connection, params};

use super::value::count;
use crate::sqlite::error::StoreError;

/// More late points than these are not looked up one by one.
const FEW: u32 = 1_000;

/// Notices late points while they are written.
pub(crate) struct OutOfOrderDetector {
    newest: Timestamp,
}

impl OutOfOrderDetector {
    /// For a series whose last date is `newest`.
    pub(crate) const fn new(newest: Timestamp) -> Self {
        Self { newest }
    }

    /// Looks at the next point in the order of arrival.
    pub(crate) fn observe(
        &mut self,
        connection: &Connection,
        series: i64,
        date: Timestamp,
        seq: i64,
    ) -> Result<(), StoreError> {
        if date >= self.newest {
            self.newest = date;
            return Ok(());
        }
        let sql = "INSERT INTO out_of_order_point (series, seq, date) VALUES (?1, ?2, ?3)";
        connection.prepare_cached(sql)?.execute(params![series, seq, date.as_micros()])?;
        Ok(())
    }
}

/// The late points of a series among some arrivals.
pub(crate) enum OutOfOrder {
    /// These, by date, then arrival.
    Few(Vec<(Timestamp, i64)>),
    /// Many, of which this is the first.
    Many((Timestamp, i64)),
}

/// Finds them.
pub(crate) fn out_of_order_in(
    connection: &Connection,
    series: i64,
    arrivals: &RangeInclusive<i64>,
) -> Result<OutOfOrder, StoreError> {
    let sql = "SELECT date, seq FROM out_of_order_point WHERE series = ?1 AND seq BETWEEN ?2 AND ?3 LIMIT ?4";
    let range = params![series, arrivals.start(), arrivals.end(), FEW + 1];
    let mut statement = connection.prepare_cached(sql)?;
    let key = |row: &rusqlite::Row<'_>| Ok((Timestamp::from_micros(row.get(0)?), row.get(1)?));
    let mut few = statement.query_map(range, key)?.collect::<rusqlite::Result<Vec<_>>>()?;
    if few.len() <= FEW as usize {
        few.sort_unstable();
        return Ok(OutOfOrder::Few(few));
    }
    let sql = "SELECT date, seq FROM out_of_order_point WHERE series = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY date, seq LIMIT 1";
    let range = params![series, arrivals.start(), arrivals.end()];
    Ok(OutOfOrder::Many(connection.prepare_cached(sql)?.query_row(range, key)?))
}

/// How many of the points of a series arrived after `seq`: those at its end, and the late ones before these.
pub(crate) fn count_since(connection: &Connection, series: i64, seq: i64) -> Result<u64, StoreError> {
    let (tail, first) = tail_since(connection, series, seq)?;
    let sql =
        "SELECT count(*) FROM out_of_order_point WHERE series = ?1 AND seq > ?2 AND (date, seq) < (?3, ?4)";
    let (date, first) = first.map_or((i64::MAX, i64::MAX), |(date, seq)| (date.as_micros(), seq));
    let late = connection.prepare_cached(sql)?.query_row([series, seq, date, first], |row| count(row, 0))?;
    Ok(tail + late)
}

/// The points at the end of a series before which there is one that did not arrive after `seq`: how many, and the first.
pub(crate) fn tail_since(
    connection: &Connection,
    series: i64,
    seq: i64,
) -> Result<(u64, Option<(Timestamp, i64)>), StoreError> {
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
