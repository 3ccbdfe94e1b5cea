//! Inserts points in the order of their arrival and updates the statistics of each series once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use mlbench_core::chunk::{Columns, MAX_POINTS};
use mlbench_core::metric::Metric;
use mlbench_core::storage::{PointDetails, ValueRef};
use mlbench_core::{MetricName, Owner, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::arrival::{self, OutOfOrderDetector};
use super::blocks::position;
use super::chunks;
use super::owner::{self, OwnerRow};
use super::recent::Arrivals;
use super::value::SqlValue;
use crate::sqlite::error::StoreError;

/// Fewer points of a series than this become rows: a chunk of them would take more space and time.
const MIN_CHUNK: usize = 128;

/// Estimates the memory that a metric takes while it is queued, in bytes.
pub(crate) fn memory_bytes(metric: &Metric) -> usize {
    size_of::<Metric>() + metric.name.as_str().len() + metric.value.as_str().len() + metric.metadata.len()
}

/// Inserts metrics in the order given. Skips those of unknown owners.
pub(crate) fn insert_all(
    connection: &Connection,
    arrivals: &Arrivals,
    metrics: &[Metric],
) -> Result<(), StoreError> {
    insert(connection, arrivals, &metrics.iter().collect::<Vec<_>>()).map(drop)
}

/// Inserts metrics in the order given. Returns which of them have a known owner.
pub(super) fn insert(
    connection: &Connection,
    arrivals: &Arrivals,
    metrics: &[&Metric],
) -> Result<Vec<bool>, StoreError> {
    let mut owners: HashMap<&Owner, Option<OwnerRow>> = HashMap::new();
    let mut index: HashMap<(&Owner, &MetricName), Option<usize>> = HashMap::new();
    let mut deltas: Vec<SeriesDelta<'_>> = Vec::new();
    let mut accepted = Vec::with_capacity(metrics.len());
    let mut seq = arrival::reserve(connection, metrics.len())?;
    for (at, &metric) in metrics.iter().enumerate() {
        let delta = match index.entry((&metric.owner, &metric.name)) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                let owner = match owners.entry(&metric.owner) {
                    Entry::Occupied(known) => *known.get(),
                    Entry::Vacant(new) => *new.insert(owner::find(connection, &metric.owner)?),
                };
                let delta = owner.map(|owner| {
                    deltas.push(SeriesDelta::new(owner, &metric.name, metric.date));
                    deltas.len() - 1
                });
                *new.insert(delta)
            }
        };
        let Some(delta) = delta else { continue };
        seq += 1;
        let value = SqlValue::from(&metric.value);
        deltas[delta].add(metric.date, seq, value);
        accepted.push((at, delta, seq, value));
    }
    for of_owner in deltas.chunk_by(|a, b| a.owner == b.owner) {
        let last_seq = of_owner.iter().map(|delta| delta.last_seq).max().unwrap_or(0);
        arrivals.recent.note(of_owner[0].owner, last_seq);
    }
    let mut stored = vec![false; metrics.len()];
    let mut of_series: Vec<Vec<Accepted<'_>>> = deltas.iter().map(|delta| delta.room()).collect();
    for (at, delta, seq, value) in accepted {
        of_series[delta].push(Accepted { metric: metrics[at], seq, value });
        stored[at] = true;
    }
    for (delta, points) in deltas.iter().zip(of_series) {
        let detector = delta.store(connection)?;
        let series = detector.series();
        if points.len() < MIN_CHUNK || !insert_chunk(connection, series, &points)? {
            insert_rows(connection, detector, &points)?;
        }
        arrivals.unsealed.note(series, points.len());
    }
    Ok(stored)
}

/// A point of a known owner.
struct Accepted<'a> {
    metric: &'a Metric,
    seq: i64,
    value: SqlValue<'a>,
}

impl Accepted<'_> {
    fn details(&self) -> PointDetails<'_> {
        let Metric { cumulative, metadata, step, epoch, .. } = self.metric;
        PointDetails { cumulative: *cumulative, metadata, step: *step, epoch: *epoch }
    }
}

/// Stores points of one series as a chunk, unless one is among them. Returns whether it did.
fn insert_chunk(connection: &Connection, series: i64, points: &[Accepted<'_>]) -> Result<bool, StoreError> {
    let mut rest = points;
    let mut all = Vec::new();
    while !rest.is_empty() {
        let part;
        (part, rest) = rest.split_at(rest.len().min(MAX_POINTS));
        let mut columns = Columns::with_capacity(part.len());
        for point in part {
            columns.push(point.metric.date, point.seq, point.value.0, point.details());
        }
        columns.sort();
        all.push(columns);
    }
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

/// Stores points of one series as rows.
fn insert_rows(
    connection: &Connection,
    mut detector: OutOfOrderDetector,
    points: &[Accepted<'_>],
) -> Result<(), StoreError> {
    // Most points have only a value. Binding the defaults of the other columns would take as long as parsing the point.
    let plain = "INSERT INTO point (series, date, seq, value) VALUES (?1, ?2, ?3, ?4)";
    let full = "INSERT INTO point (series, date, seq, value, cumulative, metadata, step, epoch) \
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let (mut plain, mut full) = (connection.prepare_cached(plain)?, connection.prepare_cached(full)?);
    for &Accepted { metric, seq, value } in points {
        detector.observe(connection, metric.date, seq)?;
        let (series, date) = (detector.series(), metric.date.as_micros());
        let Metric { cumulative, metadata, step, epoch, .. } = metric;
        if !cumulative && metadata.is_empty() && step.is_none() && epoch.is_none() {
            plain.execute(params![series, date, seq, value])?;
        } else {
            full.execute(params![series, date, seq, value, cumulative, metadata, step, epoch])?;
        }
    }
    Ok(())
}

/// What new points of one series add to its statistics.
struct SeriesDelta<'a> {
    owner: OwnerRow,
    name: &'a MetricName,
    count: i64,
    numbers: i64,
    first_date: Timestamp,
    last_date: Timestamp,
    last_seq: i64,
    min: Option<f64>,
    max: Option<f64>,
    last_value: SqlValue<'a>,
}

impl<'a> SeriesDelta<'a> {
    fn new(owner: OwnerRow, name: &'a MetricName, date: Timestamp) -> Self {
        Self {
            owner,
            name,
            count: 0,
            numbers: 0,
            first_date: date,
            last_date: date,
            last_seq: 0,
            min: None,
            max: None,
            last_value: SqlValue(ValueRef::Text("")),
        }
    }

    /// Returns an empty vector for the points.
    fn room<T>(&self) -> Vec<T> {
        Vec::with_capacity(usize::try_from(self.count).unwrap_or(0))
    }

    fn add(&mut self, date: Timestamp, seq: i64, value: SqlValue<'a>) {
        self.count += 1;
        self.first_date = self.first_date.min(date);
        self.last_date = self.last_date.max(date);
        self.last_seq = seq;
        self.last_value = value;
        if let Some(number) = value.0.as_finite() {
            self.numbers += 1;
            self.min = Some(self.min.map_or(number, |min| min.min(number)));
            self.max = Some(self.max.map_or(number, |max| max.max(number)));
        }
    }

    /// Updates the series, or creates it. Returns the detector for its new points.
    fn store(&self, connection: &Connection) -> Result<OutOfOrderDetector, StoreError> {
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
        let (count, numbers, last_seq) = (self.count, self.numbers, self.last_seq);
        let row = params![id, count, numbers, first, last, last_seq, self.min, self.max, self.last_value];
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
            self.count,
            self.numbers,
            self.first_date.as_micros(),
            self.last_date.as_micros(),
            self.last_seq,
            self.min,
            self.max,
            self.last_value,
        ];
        Ok(connection.prepare_cached(sql)?.insert(row)?)
    }
}
