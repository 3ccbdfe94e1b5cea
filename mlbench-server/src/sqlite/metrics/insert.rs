//! Points into their series: in the order they came, with the running figures of each series updated once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use mlbench_core::api::Metric;
use mlbench_core::{MetricName, Owner, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::arrival::OutOfOrderDetector;
use super::record::{OwnerRow, owner};
use super::value::SqlValue;
use crate::sqlite::error::StoreError;

/// Where a point was stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PointKey {
    pub(crate) series: i64,
    pub(crate) seq: i64,
}

/// Stores metrics in the order they came; `None` for those whose owner is unknown, which are left out.
pub(crate) fn insert(
    connection: &Connection,
    metrics: &[&Metric],
) -> Result<Vec<Option<PointKey>>, StoreError> {
    let mut owners: HashMap<&Owner, Option<OwnerRow>> = HashMap::new();
    let mut index: HashMap<(&Owner, &MetricName), Option<usize>> = HashMap::new();
    let mut figures: Vec<SeriesDelta<'_>> = Vec::new();
    let mut taken = Vec::with_capacity(metrics.len());
    let mut seq = arrivals(connection, metrics.len())?;
    for (at, &metric) in metrics.iter().enumerate() {
        let series = match index.entry((&metric.owner, &metric.name)) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                let owner = match owners.entry(&metric.owner) {
                    Entry::Occupied(known) => *known.get(),
                    Entry::Vacant(new) => *new.insert(owner(connection, &metric.owner)?),
                };
                let series = owner.map(|owner| {
                    figures.push(SeriesDelta::new(owner, &metric.name, metric.date));
                    figures.len() - 1
                });
                *new.insert(series)
            }
        };
        let Some(series) = series else { continue };
        seq += 1;
        let value = SqlValue::from(&metric.value);
        figures[series].add(metric.date, seq, value);
        taken.push((at, series, seq, value));
    }
    let stored = figures.iter().map(|series| series.store(connection));
    let mut ids = stored.collect::<Result<Vec<(i64, OutOfOrderDetector)>, StoreError>>()?;
    // Most points have nothing but a value; binding the defaults would take as long as reading the point.
    let plain = "INSERT INTO point (series, date, seq, value) VALUES (?1, ?2, ?3, ?4)";
    let full = "INSERT INTO point (series, date, seq, value, cumulative, metadata, step, epoch) \
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let (mut plain, mut full) = (connection.prepare_cached(plain)?, connection.prepare_cached(full)?);
    let mut places = vec![None; metrics.len()];
    for (at, series, seq, value) in taken {
        let (metric, (series, detector)) = (metrics[at], &mut ids[series]);
        let (series, date) = (*series, metric.date.as_micros());
        detector.observe(connection, series, metric.date, seq)?;
        let Metric { cumulative, metadata, step, epoch, .. } = metric;
        if !cumulative && metadata.is_empty() && step.is_none() && epoch.is_none() {
            plain.execute(params![series, date, seq, value])?;
        } else {
            full.execute(params![series, date, seq, value, cumulative, metadata, step, epoch])?;
        }
        places[at] = Some(PointKey { series, seq });
    }
    Ok(places)
}

/// Takes numbers for so many arrivals; gives back the one before the first.
fn arrivals(connection: &Connection, count: usize) -> Result<i64, StoreError> {
    // Here and below no `RETURNING`: SQLite makes a table for what that returns, and drops it, for more than all else takes.
    let sql = "SELECT last FROM arrival";
    let last = connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    connection.prepare_cached("UPDATE arrival SET last = last + ?1")?.execute([count])?;
    Ok(last)
}

/// What new points of one series add to its figures.
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
            last_value: SqlValue::Text(""),
        }
    }

    fn add(&mut self, date: Timestamp, seq: i64, value: SqlValue<'a>) {
        self.count += 1;
        self.first_date = self.first_date.min(date);
        if date >= self.last_date {
            self.last_date = date;
            self.last_value = value;
        }
        self.last_seq = seq;
        if let Some(number) = value.as_finite() {
            self.numbers += 1;
            self.min = Some(self.min.map_or(number, |min| min.min(number)));
            self.max = Some(self.max.map_or(number, |max| max.max(number)));
        }
    }

    /// Adds them to the stored figures, and gives back which series that is, and who notices its late points.
    fn store(&self, connection: &Connection) -> Result<(i64, OutOfOrderDetector), StoreError> {
        let sql = "SELECT id, last_date FROM series WHERE owner_kind = ?1 AND owner = ?2 AND name = ?3";
        let stored = |row: &Row<'_>| Ok((row.get(0)?, Timestamp::from_micros(row.get(1)?)));
        let key = params![self.owner.kind, self.owner.id, self.name.as_str()];
        match connection.prepare_cached(sql)?.query_row(key, stored).optional()? {
            Some((id, newest)) => {
                self.add_to(connection, id)?;
                Ok((id, OutOfOrderDetector::new(newest)))
            }
            None => Ok((self.create(connection)?, OutOfOrderDetector::new(Timestamp::EPOCH))),
        }
    }

    fn add_to(&self, connection: &Connection, id: i64) -> Result<(), StoreError> {
        let sql = "UPDATE series SET count = count + ?2, numbers = numbers + ?3, \
                       first_date = min(first_date, ?4), last_date = max(last_date, ?5), last_seq = ?6, \
                       min = coalesce(min(min, ?7), min, ?7), max = coalesce(max(max, ?8), max, ?8), \
                       last_value = CASE WHEN ?5 >= last_date THEN ?9 ELSE last_value END \
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
