//! New points of one series: stores them as a chunk or as rows, and updates the statistics once.

use mlbench_core::chunk::{Columns, MAX_POINTS};
use mlbench_core::storage::{PointDetails, PointRef, ValueRef};
use mlbench_core::{MetricName, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::arrival::OutOfOrderDetector;
use super::blocks::position;
use super::chunks;
use super::owner::OwnerRow;
use super::recent::Arrivals;
use super::rows::NO_DETAILS;
use super::value::SqlValue;
use crate::sqlite::error::StoreError;

/// Fewer points of a series than this become rows: a chunk of them would take more space and time.
const MIN_CHUNK: usize = 64;

/// New points of one series, at least one, and what they add to its statistics.
pub(super) struct NewPoints<'a> {
    pub(super) owner: OwnerRow,
    name: &'a MetricName,
    /// The points with their arrival numbers, which ascend.
    points: Vec<(i64, PointRef<'a>)>,
    numbers: i64,
    first_date: Timestamp,
    last_date: Timestamp,
    min: Option<f64>,
    max: Option<f64>,
}

impl<'a> NewPoints<'a> {
    pub(super) const fn new(owner: OwnerRow, name: &'a MetricName) -> Self {
        Self {
            owner,
            name,
            points: Vec::new(),
            numbers: 0,
            first_date: Timestamp::MAX,
            last_date: Timestamp::EPOCH,
            min: None,
            max: None,
        }
    }

    /// Makes room for points.
    pub(super) fn reserve(&mut self, points: usize) {
        self.points.reserve(points);
    }

    /// Adds the point that arrived next.
    pub(super) fn add(&mut self, seq: i64, point: PointRef<'a>) {
        self.first_date = self.first_date.min(point.date);
        self.last_date = self.last_date.max(point.date);
        if let Some(number) = point.value.as_finite() {
            self.numbers += 1;
            self.min = Some(self.min.map_or(number, |min| min.min(number)));
            self.max = Some(self.max.map_or(number, |max| max.max(number)));
        }
        self.points.push((seq, point));
    }

    /// Returns the arrival number of the last point.
    pub(super) fn last_seq(&self) -> i64 {
        self.points.last().map_or(0, |(seq, _)| *seq)
    }

    fn last_value(&self) -> SqlValue<'a> {
        SqlValue(self.points.last().map_or(ValueRef::Text(""), |(_, point)| point.value))
    }

    fn count(&self) -> i64 {
        i64::try_from(self.points.len()).unwrap_or(i64::MAX)
    }

    /// Stores the points.
    pub(super) fn store(&self, connection: &Connection, arrivals: &Arrivals) -> Result<(), StoreError> {
        let detector = self.store_statistics(connection)?;
        let series = detector.series();
        if self.points.len() < MIN_CHUNK || !self.insert_chunk(connection, series)? {
            self.insert_rows(connection, detector)?;
        }
        let first_seq = self.points.first().map_or(0, |(seq, _)| *seq);
        arrivals.recent.note_series(self.owner, series, (first_seq, self.last_seq()));
        arrivals.unsealed.arrived(series, self.points.len());
        Ok(())
    }

    /// Stores the points as a chunk, unless one is among them. Returns whether it did.
    fn insert_chunk(&self, connection: &Connection, series: i64) -> Result<bool, StoreError> {
        let columns = |points: &[(i64, PointRef<'_>)]| {
            let mut columns = Columns::with_capacity(points.len());
            for (seq, point) in points {
                columns.push(point.date, *seq, point.value, details(point));
            }
            columns.sort();
            columns
        };
        let all: Vec<Columns> = self.points.chunks(MAX_POINTS).map(columns).collect();
        for columns in &all {
            let (first, last) = (position(columns, 0), position(columns, columns.len() - 1));
            if chunks::overlaps(connection, series, first, last)? {
                return Ok(false);
            }
        }
        // Parts of a very long batch must not overlap each other either.
        let is_in_order = all.is_sorted_by(|a, b| position(a, a.len() - 1) < position(b, 0));
        if is_in_order {
            all.iter().try_for_each(|columns| chunks::insert_arrived(connection, series, columns))?;
        }
        Ok(is_in_order)
    }

    /// Stores the points as rows.
    fn insert_rows(
        &self,
        connection: &Connection,
        mut detector: OutOfOrderDetector,
    ) -> Result<(), StoreError> {
        // Most points have only a value. Binding the defaults of the other columns would take as long as parsing the
        // point.
        let plain = "INSERT INTO point (series, date, seq, value) VALUES (?1, ?2, ?3, ?4)";
        let full = "INSERT INTO point (series, date, seq, value, cumulative, metadata, step, epoch) \
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let (mut plain, mut full) = (connection.prepare_cached(plain)?, connection.prepare_cached(full)?);
        for (seq, point) in &self.points {
            detector.observe(connection, point.date, *seq)?;
            let (series, date, value) = (detector.series(), point.date.as_micros(), SqlValue(point.value));
            let PointDetails { cumulative, metadata, step, epoch } = details(point);
            if !cumulative && metadata.is_empty() && step.is_none() && epoch.is_none() {
                plain.execute(params![series, date, seq, value])?;
            } else {
                full.execute(params![series, date, seq, value, cumulative, metadata, step, epoch])?;
            }
        }
        Ok(())
    }

    /// Updates the series, or creates it. Returns the detector for its new points.
    fn store_statistics(&self, connection: &Connection) -> Result<OutOfOrderDetector, StoreError> {
        let sql = "SELECT id, last_date FROM series WHERE owner_kind = ?1 AND owner = ?2 AND name = ?3";
        let stored = |row: &Row<'_>| Ok((row.get(0)?, Timestamp::from_micros(row.get(1)?)));
        let key = params![self.owner.kind, self.owner.id, self.name.as_str()];
        match connection.prepare_cached(sql)?.query_row(key, stored).optional()? {
            Some((id, newest)) => {
                self.update(connection, id)?;
                Ok(OutOfOrderDetector::new(id, newest))
            }
            None => Ok(OutOfOrderDetector::new(self.create(connection)?, Timestamp::EPOCH)),
        }
    }

    fn update(&self, connection: &Connection, id: i64) -> Result<(), StoreError> {
        let sql = "UPDATE series SET count = count + ?2, numbers = numbers + ?3, \
                       first_date = min(first_date, ?4), last_date = max(last_date, ?5), last_seq = ?6, \
                       min = coalesce(min(min, ?7), min, ?7), max = coalesce(max(max, ?8), max, ?8), \
                       last_value = ?9 \
                   WHERE id = ?1";
        let (first, last) = (self.first_date.as_micros(), self.last_date.as_micros());
        let (count, numbers, last_seq) = (self.count(), self.numbers, self.last_seq());
        let row = params![id, count, numbers, first, last, last_seq, self.min, self.max, self.last_value()];
        connection.prepare_cached(sql)?.execute(row)?;
        Ok(())
    }

    fn create(&self, connection: &Connection) -> Result<i64, StoreError> {
        let sql = "INSERT INTO series (owner_kind, owner, name, count, numbers, first_date, last_date, last_seq, \
                       min, max, last_value) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        let row = params![
            self.owner.kind,
            self.owner.id,
            self.name.as_str(),
            self.count(),
            self.numbers,
            self.first_date.as_micros(),
            self.last_date.as_micros(),
            self.last_seq(),
            self.min,
            self.max,
            self.last_value(),
        ];
        Ok(connection.prepare_cached(sql)?.insert(row)?)
    }
}

fn details<'a>(point: &PointRef<'a>) -> PointDetails<'a> {
    point.details.unwrap_or(NO_DETAILS)
}
