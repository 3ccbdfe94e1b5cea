//! Steps through the points of a series, ordered by date, then by arrival.

use mlbench_core::storage::{PointDetails, PointRef};
use mlbench_core::{MetricName, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, ToSql};

use super::page::Page;
use super::value::{SqlValue, count};
use crate::sqlite::error::StoreError;

/// The position of a point in its series: its date and its arrival number.
pub(super) type Position = (Timestamp, i64);

/// Returns the position immediately before a point.
pub(super) const fn just_before((date, seq): Position) -> Position {
    (date, seq - 1)
}

/// The points of one series that a query selects.
pub(super) struct Scan<'a> {
    pub(super) connection: &'a Connection,
    pub(super) series: i64,
    pub(super) since: Timestamp,
    pub(super) until: Timestamp,
    /// Leaves out points with a higher arrival number.
    pub(super) as_of: i64,
    /// [`Scan::send`] leaves out points with this arrival number or a lower one.
    pub(super) arrived_after: Option<i64>,
    pub(super) details: bool,
    /// Whether the series has points after `until`.
    pub(super) has_later: bool,
    /// Whether the series has points that arrived after `as_of`.
    pub(super) has_newer: bool,
}

impl Scan<'_> {
    /// Returns the position before all points of the query.
    pub(super) fn start(&self) -> Position {
        (self.since, 0)
    }

    /// Returns the position after all points of the query.
    pub(super) fn end(&self) -> Position {
        (self.until, i64::MAX)
    }

    /// Counts the points of the query after a position. Expects them to be few.
    pub(super) fn count(&self, after: Position) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM point \
                   WHERE series = ?1 AND (date, seq) > (?2, ?3) AND date <= ?4 AND seq <= ?5";
        let (date, until) = (after.0.as_micros(), self.until.as_micros());
        let values = [self.series, date, after.1, until, self.as_of];
        Ok(self.connection.prepare_cached(sql)?.query_row(values, |row| count(row, 0))?)
    }

    /// Returns the position of the point that is `steps` points of the query after a position.
    pub(super) fn forward(&self, after: Position, steps: u64) -> Result<Option<Position>, StoreError> {
        let sql = "SELECT date, seq FROM point \
                   WHERE series = ?1 AND (date, seq) > (?2, ?3) AND date <= ?4 AND seq <= ?5 \
                   ORDER BY date, seq LIMIT 1 OFFSET ?6";
        self.step_over(sql, after, self.until, steps)
    }

    /// Returns the position of the point that is `steps` points of the query before a position.
    pub(super) fn backward(&self, before: Position, steps: u64) -> Result<Option<Position>, StoreError> {
        let sql = "SELECT date, seq FROM point \
                   WHERE series = ?1 AND (date, seq) < (?2, ?3) AND date >= ?4 AND seq <= ?5 \
                   ORDER BY date DESC, seq DESC LIMIT 1 OFFSET ?6";
        self.step_over(sql, before, self.since, steps)
    }

    fn step_over(
        &self,
        sql: &str,
        from: Position,
        to: Timestamp,
        steps: u64,
    ) -> Result<Option<Position>, StoreError> {
        let skipped = i64::try_from(steps.saturating_sub(1)).unwrap_or(i64::MAX);
        let values = [self.series, from.0.as_micros(), from.1, to.as_micros(), self.as_of, skipped];
        let position = |row: &Row<'_>| Ok((Timestamp::from_micros(row.get(0)?), row.get(1)?));
        Ok(self.connection.prepare_cached(sql)?.query_row(values, position).optional()?)
    }

    /// Sends points to the page until it is full or the series ends.
    ///
    /// Returns the last point sent when the page is full, `None` at the end of the series.
    pub(super) fn send(
        &self,
        name: &MetricName,
        after: Position,
        page: &mut Page<'_>,
    ) -> Result<Option<Position>, StoreError> {
        let (mut begun, mut last) = (false, None);
        self.each(after, |row, point| {
            if self.arrived_after.is_some_and(|newest_seen| seq(row).is_ok_and(|seq| seq <= newest_seen)) {
                page.to_skip -= 1;
            } else {
                if !std::mem::replace(&mut begun, true) {
                    page.sink.series(name);
                }
                page.sink.point(point);
                page.remaining -= 1;
            }
            if page.is_full() {
                last = Some((point.date, seq(row)?));
            }
            Ok(last.is_none())
        })?;
        Ok(last)
    }

    /// Passes the points after a position to `each`, in order, until that returns `false`.
    pub(super) fn each(
        &self,
        after: Position,
        mut each: impl FnMut(&Row<'_>, PointRef<'_>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let (date, seq) = (after.0.as_micros(), after.1);
        // Arrival numbers begin at 1, so this position is before all points of its microsecond.
        if seq <= 0 {
            return self.step("date >= ?", &[&date], &mut each).map(drop);
        }
        // Two statements, because SQLite would repeat a comparison with both parts of the key for every row.
        if self.step("date = ? AND seq > ?", &[&date, &seq], &mut each)? {
            self.step("date > ?", &[&date], &mut each)?;
        }
        Ok(())
    }

    /// Passes the points that meet a condition to `each`. Returns whether `each` wants more.
    fn step(
        &self,
        condition: &str,
        condition_values: &[&dyn ToSql],
        each: &mut impl FnMut(&Row<'_>, PointRef<'_>) -> Result<bool, StoreError>,
    ) -> Result<bool, StoreError> {
        let columns = if self.details { ", cumulative, metadata, step, epoch" } else { "" };
        let mut sql = format!("SELECT date, value, seq{columns} FROM point WHERE series = ? AND {condition}");
        let mut values: Vec<&dyn ToSql> = vec![&self.series];
        values.extend_from_slice(condition_values);
        // SQLite checks a condition for every row, so the statement leaves out those that all points meet.
        let until = self.has_later.then_some(self.until.as_micros());
        let as_of = self.has_newer.then_some(self.as_of);
        for (bound, condition) in [(&until, " AND date <= ?"), (&as_of, " AND seq <= ?")] {
            if let Some(bound) = bound {
                sql.push_str(condition);
                values.push(bound);
            }
        }
        sql.push_str(" ORDER BY date, seq");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(&*values)?;
        while let Some(row) = rows.next()? {
            let value = SqlValue::read(row.get_ref(1)?).map_err(rusqlite::Error::from)?;
            let details = if self.details { Some(details(row)?) } else { None };
            let date = Timestamp::from_micros(row.get(0)?);
            if !each(row, PointRef { date, value: value.0, details })? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Returns the arrival number of the point that [`Scan::each`] passes on.
pub(super) fn seq(row: &Row<'_>) -> rusqlite::Result<i64> {
    row.get(2)
}

fn details<'a>(row: &'a Row<'_>) -> Result<PointDetails<'a>, StoreError> {
    let metadata = row.get_ref(4)?.as_str().map_err(rusqlite::Error::from)?;
    Ok(PointDetails { cumulative: row.get(3)?, metadata, step: row.get(5)?, epoch: row.get(6)? })
}
