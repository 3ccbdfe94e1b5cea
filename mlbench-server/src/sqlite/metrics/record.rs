//! Single metrics on their way in: owners, and the keys of repeated requests.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use mlbench_core::api::Metric;
use mlbench_core::storage::{IdempotencyKey, Recorded};
use mlbench_core::{Error, MetricName, Owner, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::insert::{PointKey, insert};
use super::value::SqlValue;
use crate::sqlite::error::StoreError;

/// Forgotten keys that a stored one takes with it, so that they go as fast as they come.
pub(crate) const EXPIRE_PER_WRITE: u32 = 4;

/// What the column `owner_kind` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i64)]
pub(crate) enum OwnerKind {
    Pod = 0,
    Run = 1,
}

/// An owner as the tables name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct OwnerRow {
    pub(crate) kind: i64,
    pub(crate) id: i64,
}

/// Where an owner's metrics are; `None` when there is no such run, or never was such a pod.
pub(crate) fn owner(connection: &Connection, owner: &Owner) -> Result<Option<OwnerRow>, StoreError> {
    let (kind, found) = match owner {
        Owner::Pod(name) => {
            let mut statement = connection.prepare_cached("SELECT id FROM pod WHERE name = ?1")?;
            (OwnerKind::Pod, statement.query_row([name.as_str()], |row| row.get(0)).optional()?)
        }
        Owner::Run(id) => {
            let mut statement =
                connection.prepare_cached("SELECT id FROM run WHERE id = ?1 AND deletion = 0")?;
            (OwnerKind::Run, statement.query_row([id.get()], |row| row.get(0)).optional()?)
        }
    };
    Ok(found.map(|id| OwnerRow { kind: kind as i64, id }))
}

/// The refusal of an owner that is not there.
pub(crate) fn unknown(owner: &Owner) -> StoreError {
    let error = match owner {
        Owner::Pod(name) => Error::not_found(format_args!("pod {:?}", name.as_str())),
        Owner::Run(id) => Error::not_found(format_args!("run {id}")),
    };
    error.into()
}

/// A metric that was sent by itself.
pub(crate) struct MetricWrite {
    pub(crate) metric: Metric,
    pub(crate) key: Option<IdempotencyKey>,
    pub(crate) now: Timestamp,
}

/// What became of one.
pub(crate) enum Outcome {
    Stored,
    /// Its key was used before, for this metric.
    Replayed(Box<Metric>),
    Refused(Error),
}

impl Outcome {
    /// How it is answered.
    pub(crate) fn of(self, metric: Metric) -> Result<Recorded, Error> {
        match self {
            Self::Stored => Ok(Recorded { metric, replayed: false }),
            Self::Replayed(first) => Ok(Recorded { metric: *first, replayed: true }),
            Self::Refused(error) => Err(error),
        }
    }
}

/// Stores metrics that came one by one, together: what they have in common is looked up and written once. Each is
/// refused or repeated for itself.
pub(crate) fn record_all(
    connection: &Connection,
    singles: &[&MetricWrite],
) -> Result<Vec<Outcome>, StoreError> {
    let mut owners: HashMap<&Owner, Option<OwnerRow>> = HashMap::new();
    let mut keys: HashMap<(OwnerRow, &str), usize> = HashMap::new();
    let mut outcomes = Vec::with_capacity(singles.len());
    let mut new: Vec<(&MetricWrite, OwnerRow)> = Vec::with_capacity(singles.len());
    for (at, single) in singles.iter().enumerate() {
        let row = match owners.entry(&single.metric.owner) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(unseen) => *unseen.insert(owner(connection, &single.metric.owner)?),
        };
        let Some(row) = row else {
            outcomes.push(Outcome::Refused(unknown(&single.metric.owner).into()));
            continue;
        };
        if let Some(key) = &single.key {
            let first = match keys.entry((row, key.as_str())) {
                Entry::Occupied(first) => Some(singles[*first.get()].metric.clone()),
                Entry::Vacant(unseen) => {
                    unseen.insert(at);
                    stored_under(connection, row, &single.metric.owner, key)?
                }
            };
            if let Some(first) = first {
                outcomes.push(Outcome::Replayed(Box::new(first)));
                continue;
            }
        }
        new.push((single, row));
        outcomes.push(Outcome::Stored);
    }
    let metrics: Vec<&Metric> = new.iter().map(|(single, _)| &single.metric).collect();
    let places = insert(connection, &metrics)?;
    let mut kept = 0;
    for (&(single, owner), place) in new.iter().zip(places) {
        if let (Some(key), Some(place)) = (&single.key, place) {
            remember(connection, single, owner, key, place)?;
            kept += 1;
        }
    }
    if let (Some(last), 1..) = (singles.last(), kept) {
        expire(connection, kept, last.now)?;
    }
    Ok(outcomes)
}

fn remember(
    connection: &Connection,
    single: &MetricWrite,
    owner: OwnerRow,
    key: &IdempotencyKey,
    place: PointKey,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO metric_key (owner_kind, owner, key, stored_at, series, date, seq) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let (now, date) = (single.now.as_micros(), single.metric.date.as_micros());
    let row = params![owner.kind, owner.id, key.as_str(), now, place.series, date, place.seq];
    connection.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

/// Forgets the oldest keys, as many as go with `new` ones, where their time is over.
fn expire(connection: &Connection, new: usize, now: Timestamp) -> Result<(), StoreError> {
    let oldest = "SELECT stored_at FROM metric_key ORDER BY id LIMIT 1";
    let oldest: Option<i64> =
        connection.prepare_cached(oldest)?.query_row([], |row| row.get(0)).optional()?;
    let forgotten = now.saturating_sub(IdempotencyKey::RETENTION).as_micros();
    if oldest.is_some_and(|stored_at| stored_at < forgotten) {
        let sql = "DELETE FROM metric_key WHERE id IN (SELECT id FROM \
                   (SELECT id, stored_at FROM metric_key ORDER BY id LIMIT ?2) WHERE stored_at < ?1)";
        let most = EXPIRE_PER_WRITE * u32::try_from(new).unwrap_or(1);
        connection.prepare_cached(sql)?.execute(params![forgotten, most])?;
    }
    Ok(())
}

fn stored_under(
    connection: &Connection,
    row: OwnerRow,
    owner: &Owner,
    key: &IdempotencyKey,
) -> Result<Option<Metric>, StoreError> {
    let sql = "SELECT series, date, seq FROM metric_key WHERE owner_kind = ?1 AND owner = ?2 AND key = ?3";
    let place: Option<[i64; 3]> = connection
        .prepare_cached(sql)?
        .query_row(params![row.kind, row.id, key.as_str()], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))
        .optional()?;
    let Some(place) = place else { return Ok(None) };
    let sql = "SELECT s.name, p.date, p.value, p.cumulative, p.metadata, p.step, p.epoch FROM point p \
               JOIN series s ON s.id = p.series WHERE p.series = ?1 AND p.date = ?2 AND p.seq = ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(place)?;
    let Some(found) = rows.next()? else { return Ok(None) };
    Ok(Some(Metric {
        owner: owner.clone(),
        name: MetricName::new(found.get::<_, String>(0)?)?,
        date: Timestamp::from_micros(found.get(1)?),
        value: SqlValue::read(found.get_ref(2)?).map_err(rusqlite::Error::from)?.into_value(),
        cumulative: found.get(3)?,
        metadata: found.get(4)?,
        step: found.get(5)?,
        epoch: found.get(6)?,
    }))
}
