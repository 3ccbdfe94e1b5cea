//! Compares the statistics of a series with its points.

use mlbench_core::Timestamp;
use mlbench_core::chunk::Columns;
use mlbench_core::metric::MetricValue;
use rusqlite::{Connection, OptionalExtension as _, Row};

use crate::sqlite::error::StoreError;
use crate::sqlite::metrics::blocks::{ALL_FIELDS, Block, Blocks};
use crate::sqlite::metrics::position::Position;
use crate::sqlite::metrics::value::SqlValue;

/// Rows that are read together.
const ROWS_AT_ONCE: usize = 8_192;

/// The statistics of a series.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Statistics {
    count: i64,
    numbers: i64,
    first_date: i64,
    last_date: i64,
    last_seq: i64,
    min: Option<f64>,
    max: Option<f64>,
    last_value: String,
}

impl Statistics {
    /// Reads those in the row of a series, `None` if it has gone.
    pub(super) fn stored(connection: &Connection, series: i64) -> Result<Option<Self>, StoreError> {
        let sql = "SELECT count, numbers, first_date, last_date, last_seq, min, max, last_value \
                   FROM series WHERE id = ?1";
        let read = |row: &Row<'_>| {
            Ok(Self {
                count: row.get(0)?,
                numbers: row.get(1)?,
                first_date: row.get(2)?,
                last_date: row.get(3)?,
                last_seq: row.get(4)?,
                min: row.get(5)?,
                max: row.get(6)?,
                last_value: MetricValue::from(SqlValue::read(row.get_ref(7)?)?.0).to_string(),
            })
        };
        Ok(connection.prepare_cached(sql)?.query_row([series], read).optional()?)
    }

    /// Computes those of all points of a series. Returns also the position of a point that is there twice.
    pub(super) fn computed(
        connection: &Connection,
        series: i64,
    ) -> Result<(Self, Option<Position>), StoreError> {
        let blocks = Blocks { connection, series, details: true };
        let mut all = Self {
            count: 0,
            numbers: 0,
            first_date: i64::MAX,
            last_date: 0,
            last_seq: 0,
            min: None,
            max: None,
            last_value: String::new(),
        };
        let (mut after, mut twice) = ((Timestamp::EPOCH, 0), None);
        while let Some(block) = blocks.next(after, (Timestamp::MAX, i64::MAX), ROWS_AT_ONCE)? {
            let before = (all.count > 0).then_some(after);
            let repeated = match &block {
                Block::Points(points) => all.add(points, before),
                Block::Chunk(chunk) => {
                    let (_, points) = chunk.decode(connection, 0..chunk.header.count(), ALL_FIELDS)?;
                    all.add(&points, before)
                }
            };
            twice = twice.or(repeated);
            after = block.last();
        }
        Ok((all, twice))
    }

    /// Returns the highest arrival number.
    pub(super) const fn last_seq(&self) -> i64 {
        self.last_seq
    }

    /// Adds points. Returns the first that is not after the one before it.
    fn add(&mut self, points: &Columns, mut before: Option<Position>) -> Option<Position> {
        let mut repeated = None;
        for at in 0..points.len() {
            let position = (points.date(at), points.seq(at));
            if before.is_some_and(|before| before >= position) {
                repeated = repeated.or(Some(position));
            }
            before = Some(position);
            let value = points.value(at);
            self.count += 1;
            self.first_date = self.first_date.min(position.0.as_micros());
            self.last_date = self.last_date.max(position.0.as_micros());
            if position.1 > self.last_seq {
                self.last_seq = position.1;
                self.last_value = MetricValue::from(value).to_string();
            }
            if let Some(number) = value.as_finite() {
                self.numbers += 1;
                self.min = Some(self.min.map_or(number, |min| min.min(number)));
                self.max = Some(self.max.map_or(number, |max| max.max(number)));
            }
        }
        repeated
    }

    /// Says in which statistics `self`, those of the row, differ from those of the points.
    pub(super) fn differences(&self, points: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let mut compare = |name: &str, stored: String, computed: String| {
            if stored != computed {
                found.push(format!("{name} is {stored} instead of {computed}"));
            }
        };
        let number =
            |number: Option<f64>| number.map_or("none".to_owned(), |number| (number + 0.0).to_string());
        compare("count", self.count.to_string(), points.count.to_string());
        if points.count == 0 {
            return found;
        }
        let date = |micros| Timestamp::from_micros(micros).to_text().as_str().to_owned();
        compare("number of finite values", self.numbers.to_string(), points.numbers.to_string());
        compare("first date", date(self.first_date), date(points.first_date));
        compare("last date", date(self.last_date), date(points.last_date));
        compare("last arrival number", self.last_seq.to_string(), points.last_seq.to_string());
        compare("minimum", number(self.min), number(points.min));
        compare("maximum", number(self.max), number(points.max));
        if self.last_value != points.last_value {
            found.push("last value is another than that of the last point".to_owned());
        }
        found
    }
}
