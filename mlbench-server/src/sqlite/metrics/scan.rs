//! Stepping through the points of a series.

use mlbench_core::Timestamp;
use mlbench_core::storage::{PointDetails, PointRef};
use rusqlite::{Connection, Row, ToSql};

use super::value::SqlValue;
use crate::sqlite::error::StoreError;

/// The place of a point in its series: points come by date, then by arrival.
pub(crate) type Key = (Timestamp, i64);

/// Which points of a series. Conditions that all of its points meet are left out: each costs some nanoseconds a row.
pub(crate) struct Walk<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) series: i64,
    pub(crate) after: Key,
    pub(crate) until: Option<Timestamp>,
    pub(crate) as_of: Option<i64>,
    pub(crate) arrived_after: Option<i64>,
    pub(crate) details: bool,
}

impl Walk<'_> {
    /// Shows the points in order until `each` has enough.
    ///
    /// Those of the same microsecond as the last one come first, by a statement of their own: a comparison with both parts
    /// of the key would be made again for every row.
    pub(crate) fn each(
        &self,
        mut each: impl FnMut(&Row<'_>, PointRef<'_>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let (date, seq) = (self.after.0.as_micros(), self.after.1);
        // Arrival numbers begin at 1: before all points of a microsecond is before that microsecond.
        if seq <= 0 {
            return self.step("date >= ?", &[&date], &mut each).map(drop);
        }
        if self.step("date = ? AND seq > ?", &[&date, &seq], &mut each)? {
            self.step("date > ?", &[&date], &mut each)?;
        }
        Ok(())
    }

    /// Shows the points under a condition; whether `each` wants more.
    fn step(
        &self,
        condition: &str,
        of_condition: &[&dyn ToSql],
        each: &mut impl FnMut(&Row<'_>, PointRef<'_>) -> Result<bool, StoreError>,
    ) -> Result<bool, StoreError> {
        let columns = if self.details { ", cumulative, metadata, step, epoch" } else { "" };
        let mut sql = format!("SELECT date, value, seq{columns} FROM point WHERE series = ? AND {condition}");
        let mut range: Vec<&dyn ToSql> = vec![&self.series];
        range.extend_from_slice(of_condition);
        let until = self.until.map(Timestamp::as_micros);
        for (bound, condition) in [
            (&until, " AND date <= ?"),
            (&self.as_of, " AND seq <= ?"),
            (&self.arrived_after, " AND seq > ?"),
        ] {
            if let Some(bound) = bound {
                sql.push_str(condition);
                range.push(bound);
            }
        }
        sql.push_str(" ORDER BY date, seq");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(&*range)?;
        while let Some(row) = rows.next()? {
            let value = SqlValue::read(row.get_ref(1)?).map_err(rusqlite::Error::from)?;
            let details = if self.details { Some(details(row)?) } else { None };
            let date = Timestamp::from_micros(row.get(0)?);
            if !each(row, PointRef { date, value: value.into(), details })? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The arrival number of the point that is being shown.
    pub(crate) fn seq(row: &Row<'_>) -> rusqlite::Result<i64> {
        row.get(2)
    }
}

fn details<'a>(row: &'a Row<'_>) -> Result<PointDetails<'a>, StoreError> {
    let metadata = row.get_ref(4)?.as_str().map_err(rusqlite::Error::from)?;
    Ok(PointDetails { cumulative: row.get(3)?, metadata, step: row.get(5)?, epoch: row.get(6)? })
}
