//! The table of points: the points of a series that are not sealed yet, one row each.

use mlbench_core::Timestamp;
use mlbench_core::chunk::Columns;
use mlbench_core::storage::PointDetails;
use rusqlite::{Connection, Row, params};

use super::position::Position;
use super::value::{SqlValue, to_i64};
use crate::sqlite::error::StoreError;

/// Bytes of texts after which no more rows are read together.
pub(crate) const MAX_TEXT_BYTES: usize = 4 << 20;

/// Some rows in order.
pub(crate) struct Rows {
    pub(crate) points: Columns,
    /// Whether they are as many as were asked for, or as memory allows: more may follow.
    pub(crate) is_cut: bool,
}

/// The rows of one series, ordered by position.
#[derive(Clone, Copy)]
pub(crate) struct SeriesRows<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) series: i64,
    /// Whether the fields besides date and value are read.
    pub(crate) details: bool,
}

impl SeriesRows<'_> {
    const fn columns(&self) -> &'static str {
        if self.details { "date, seq, value, cumulative, metadata, step, epoch" } else { "date, seq, value" }
    }

    /// Reads the first rows after a position, up to another, at most `limit`.
    pub(crate) fn after(&self, after: Position, upto: Position, limit: usize) -> Result<Rows, StoreError> {
        let mut points = Columns::default();
        // Two statements, because SQLite would repeat a comparison with both parts of the key for every row.
        for (is_first, condition) in [(true, "date = ?2 AND seq > ?3"), (false, "date > ?2 AND ?3 = ?3")] {
            // Arrival numbers begin at 1, so this position is before all points of its microsecond.
            let condition = match (is_first, after.1 <= 0) {
                (true, true) => "date >= ?2 AND ?3 = ?3",
                (false, true) => continue,
                _ => condition,
            };
            let sql = format!(
                "SELECT {} FROM point WHERE series = ?1 AND {condition} AND date <= ?4 ORDER BY date, seq LIMIT ?5",
                self.columns()
            );
            let mut statement = self.connection.prepare_cached(&sql)?;
            let values = params![
                self.series,
                after.0.as_micros(),
                after.1,
                upto.0.as_micros(),
                to_i64(limit - points.len())
            ];
            let mut rows = statement.query(values)?;
            while let Some(row) = rows.next()? {
                if self.position(row)? > upto {
                    return Ok(Rows { points, is_cut: false });
                }
                self.push(row, &mut points)?;
                if is_enough(&points, limit) {
                    return Ok(Rows { points, is_cut: true });
                }
            }
        }
        Ok(Rows { points, is_cut: false })
    }

    /// Reads the last rows before a position, from another on, at most `limit`. Returns them in order.
    pub(crate) fn before(&self, before: Position, from: Position, limit: usize) -> Result<Rows, StoreError> {
        let sql = format!(
            "SELECT {} FROM point WHERE series = ?1 AND (date, seq) < (?2, ?3) AND (date, seq) >= (?4, ?5) \
             ORDER BY date DESC, seq DESC LIMIT ?6",
            self.columns()
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let (before, from) = ((before.0.as_micros(), before.1), (from.0.as_micros(), from.1));
        let mut rows =
            statement.query(params![self.series, before.0, before.1, from.0, from.1, to_i64(limit)])?;
        let (mut points, mut is_cut) = (Columns::default(), false);
        while let Some(row) = rows.next()?.filter(|_| !is_cut) {
            self.push(row, &mut points)?;
            is_cut = is_enough(&points, limit);
        }
        points.sort();
        Ok(Rows { points, is_cut })
    }

    /// Reads the row at a position.
    pub(crate) fn at(&self, position: Position) -> Result<Columns, StoreError> {
        self.after((position.0, position.1 - 1), position, 1).map(|rows| rows.points)
    }

    fn position(&self, row: &Row<'_>) -> rusqlite::Result<Position> {
        Ok((Timestamp::from_micros(row.get(0)?), row.get(1)?))
    }

    fn push(&self, row: &Row<'_>, columns: &mut Columns) -> Result<(), StoreError> {
        let (date, seq) = self.position(row)?;
        let value = SqlValue::read(row.get_ref(2)?).map_err(rusqlite::Error::from)?;
        columns.push(date, seq, value.0, if self.details { details(row)? } else { NO_DETAILS });
        Ok(())
    }
}

fn is_enough(points: &Columns, limit: usize) -> bool {
    points.len() >= limit || points.text_bytes() >= MAX_TEXT_BYTES
}

/// The details of a point that was read without them.
pub(super) const NO_DETAILS: PointDetails<'_> =
    PointDetails { cumulative: false, metadata: "", step: None, epoch: None };

fn details<'a>(row: &'a Row<'_>) -> Result<PointDetails<'a>, StoreError> {
    let metadata = row.get_ref(4)?.as_str().map_err(rusqlite::Error::from)?;
    Ok(PointDetails { cumulative: row.get(3)?, metadata, step: row.get(5)?, epoch: row.get(6)? })
}
