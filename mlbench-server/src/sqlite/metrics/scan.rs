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
    /// Leaves out points with this arrival number or a lower one.
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

    /// Counts the points between the dates of the query that had arrived at `as_of`.
    pub(super) fn count(&self) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM point WHERE series = ?1 AND date BETWEEN ?2 AND ?3 AND seq <= ?4";
        Ok(self.connection.prepare_cached(sql)?.query_row(self.range(), |row| count(row, 0))?)
    }

    /// Returns the position before the point that follows `skipped` other points of the query.
    ///
    /// The points are counted in `order`, which is `ASC` or `DESC`.
    pub(super) fn before_nth(&self, skipped: u64, order: &str) -> Result<Option<Position>, StoreError> {
        let sql = format!(
            "SELECT date, seq FROM point WHERE series = ?1 AND date BETWEEN ?2 AND ?3 AND seq <= ?4 \
             ORDER BY date {order}, seq {order} LIMIT 1 OFFSET ?5"
        );
        let [series, since, until, as_of] = self.range();
        let skipped = i64::try_from(skipped).unwrap_or(i64::MAX);
        let mut statement = self.connection.prepare_cached(&sql)?;
        let position = |row: &Row<'_>| Ok(just_before((Timestamp::from_micros(row.get(0)?), row.get(1)?)));
        Ok(statement.query_row([series, since, until, as_of, skipped], position).optional()?)
    }

    fn range(&self) -> [i64; 4] {
        [self.series, self.since.as_micros(), self.until.as_micros(), self.as_of]
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
            if !std::mem::replace(&mut begun, true) {
                page.sink.series(name);
            }
            page.sink.point(point);
            page.remaining -= 1;
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
        for (bound, condition) in
            [(&until, " AND date <= ?"), (&as_of, " AND seq <= ?"), (&self.arrived_after, " AND seq > ?")]
        {
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
