//! Single metrics: those that arrive together are stored together, each with its own result.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use mlbench_core::metric::Metric;
use mlbench_core::storage::{IdempotencyKey, Recorded};
use mlbench_core::{Error, MetricName, Owner, Timestamp};
use rusqlite::{Connection, params};

use super::idempotency::{self, KeyedRequest, Replay, Scope};
use super::insert::insert;
use super::owner::{self, OwnerRow};
use super::scan::PointKey;
use super::value::SqlValue;
use crate::sqlite::error::StoreError;

/// A request to store one metric.
pub(crate) struct MetricWrite {
    pub(crate) metric: Metric,
    pub(crate) key: Option<IdempotencyKey>,
    pub(crate) now: Timestamp,
}

impl MetricWrite {
    fn keyed(&self, owner: OwnerRow) -> Option<KeyedRequest<'_>> {
        let scope = Scope::Metrics(owner);
        self.key.as_ref().map(|key| KeyedRequest { scope, key, points: 1 })
    }
}

/// The result of one [`MetricWrite`].
pub(crate) enum WriteOutcome {
    Stored,
    /// The key was used before, for this metric.
    Replayed(Box<Metric>),
    Rejected(Error),
}

impl WriteOutcome {
    /// Converts the outcome of writing `metric` to the result for its caller.
    pub(crate) fn into_recorded(self, metric: Metric) -> Result<Recorded, Error> {
        match self {
            Self::Stored => Ok(Recorded { metric, replayed: false }),
            Self::Replayed(first) => Ok(Recorded { metric: *first, replayed: true }),
            Self::Rejected(error) => Err(error),
        }
    }
}

/// Stores single metrics together. Rejects or replays each by itself.
///
/// Reads and writes the rows that several metrics share only once.
pub(crate) fn record_all(
    connection: &Connection,
    writes: &[&MetricWrite],
) -> Result<Vec<WriteOutcome>, StoreError> {
    let mut owners: HashMap<&Owner, Option<OwnerRow>> = HashMap::new();
    let mut keys: HashMap<(OwnerRow, &str), usize> = HashMap::new();
    let mut outcomes = Vec::with_capacity(writes.len());
    let mut new: Vec<(&MetricWrite, OwnerRow)> = Vec::with_capacity(writes.len());
    for (index, write) in writes.iter().enumerate() {
        let owner = match owners.entry(&write.metric.owner) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(unseen) => *unseen.insert(owner::find(connection, &write.metric.owner)?),
        };
        let Some(owner) = owner else {
            outcomes.push(WriteOutcome::Rejected(owner::not_found(&write.metric.owner)));
            continue;
        };
        if let Some(request) = write.keyed(owner) {
            let first = match keys.entry((owner, request.key.as_str())) {
                Entry::Occupied(first) => Some(writes[*first.get()].metric.clone()),
                Entry::Vacant(unseen) => {
                    unseen.insert(index);
                    find_first(connection, request, &write.metric.owner)?
                }
            };
            if let Some(first) = first {
                outcomes.push(WriteOutcome::Replayed(Box::new(first)));
                continue;
            }
        }
        new.push((write, owner));
        outcomes.push(WriteOutcome::Stored);
    }
    let metrics: Vec<&Metric> = new.iter().map(|(write, _)| &write.metric).collect();
    let points = insert(connection, &metrics)?;
    let mut remembered = 0;
    for (&(write, owner), point) in new.iter().zip(points) {
        if let (Some(request), Some(point)) = (write.keyed(owner), point) {
            idempotency::remember(connection, request, &Replay::Point(point), write.now)?;
            remembered += 1;
        }
    }
    if let (Some((last, owner)), 1..) = (new.last(), remembered) {
        idempotency::expire(connection, Scope::Metrics(*owner), remembered, last.now)?;
    }
    Ok(outcomes)
}

/// Finds the metric that the first request with the same key stored.
fn find_first(
    connection: &Connection,
    request: KeyedRequest<'_>,
    owner: &Owner,
) -> Result<Option<Metric>, StoreError> {
    match idempotency::find(connection, request)? {
        Some(Replay::Point(point)) => parse_point(connection, owner, point),
        Some(Replay::Batch(_)) | None => Ok(None),
    }
}

fn parse_point(
    connection: &Connection,
    owner: &Owner,
    point: PointKey,
) -> Result<Option<Metric>, StoreError> {
    let sql = "SELECT s.name, p.date, p.value, p.cumulative, p.metadata, p.step, p.epoch FROM point p \
               JOIN series s ON s.id = p.series WHERE p.series = ?1 AND p.date = ?2 AND p.seq = ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![point.series, point.date.as_micros(), point.seq])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(Metric {
        owner: owner.clone(),
        name: MetricName::new(row.get::<_, String>(0)?)?,
        date: Timestamp::from_micros(row.get(1)?),
        value: SqlValue::read(row.get_ref(2)?).map_err(rusqlite::Error::from)?.into_value(),
        cumulative: row.get(3)?,
        metadata: row.get(4)?,
        step: row.get(5)?,
        epoch: row.get(6)?,
    }))
}
