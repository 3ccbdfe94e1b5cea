//! Single metrics on their way in: owners, and the keys of repeated requests.

use mlbench_core::api::Metric;
use mlbench_core::storage::{IdempotencyKey, Recorded};
use mlbench_core::{Error, MetricName, Owner, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::failure::Failure;
use super::ingest::insert;
use super::value::Stored;

/// Forgotten keys that a stored one takes with it, so that they go as fast as they come.
pub(super) const FORGET_AT_ONCE: u32 = 4;

/// What the column `owner_kind` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i64)]
pub(super) enum OwnerKind {
    Pod = 0,
    Run = 1,
}

/// An owner as the tables name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct OwnerRow {
    pub(super) kind: i64,
    pub(super) id: i64,
}

/// Where an owner's metrics are; `None` when there is no such run, or never was such a pod.
pub(super) fn owner(connection: &Connection, owner: &Owner) -> Result<Option<OwnerRow>, Failure> {
    let (kind, found) = match owner {
        Owner::Pod(name) => {
            let mut statement = connection.prepare_cached("SELECT id FROM pod WHERE name = ?1")?;
            (OwnerKind::Pod, statement.query_row([name.as_str()], |row| row.get(0)).optional()?)
        }
        Owner::Run(id) => {
            let mut statement =
                connection.prepare_cached("SELECT id FROM run WHERE id = ?1 AND removal = 0")?;
            (OwnerKind::Run, statement.query_row([id.get()], |row| row.get(0)).optional()?)
        }
    };
    Ok(found.map(|id| OwnerRow { kind: kind as i64, id }))
}

/// The refusal of an owner that is not there.
pub(super) fn unknown(owner: &Owner) -> Failure {
    let error = match owner {
        Owner::Pod(name) => Error::not_found(format_args!("pod {:?}", name.as_str())),
        Owner::Run(id) => Error::not_found(format_args!("run {id}")),
    };
    error.into()
}

/// Stores one metric, unless its key was used before.
pub(super) fn record(
    connection: &Connection,
    metric: Metric,
    key: Option<&IdempotencyKey>,
    now: Timestamp,
) -> Result<Recorded, Failure> {
    let owner = owner(connection, &metric.owner)?.ok_or_else(|| unknown(&metric.owner))?;
    if let Some(key) = key
        && let Some(first) = stored_under(connection, owner, &metric.owner, key)?
    {
        return Ok(Recorded { metric: first, replayed: true });
    }
    let places = insert(connection, &[&metric])?;
    if let (Some(key), Some(Some(place))) = (key, places.first()) {
        let sql = "INSERT INTO idempotency_key (owner_kind, owner, key, stored_at, series, date, seq) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let date = metric.date.as_micros();
        let row = params![owner.kind, owner.id, key.as_str(), now.as_micros(), place.series, date, place.seq];
        connection.prepare_cached(sql)?.execute(row)?;
        let sql = "DELETE FROM idempotency_key WHERE id IN (SELECT id FROM \
                   (SELECT id, stored_at FROM idempotency_key ORDER BY id LIMIT ?2) WHERE stored_at < ?1)";
        let forgotten = now.saturating_sub(IdempotencyKey::KEPT_FOR).as_micros();
        connection.prepare_cached(sql)?.execute(params![forgotten, FORGET_AT_ONCE])?;
    }
    Ok(Recorded { metric, replayed: false })
}

fn stored_under(
    connection: &Connection,
    row: OwnerRow,
    owner: &Owner,
    key: &IdempotencyKey,
) -> Result<Option<Metric>, Failure> {
    let sql = "SELECT s.name, p.date, p.value, p.cumulative, p.metadata, p.step, p.epoch FROM idempotency_key k \
               JOIN series s ON s.id = k.series \
               JOIN point p ON p.series = k.series AND p.date = k.date AND p.seq = k.seq \
               WHERE k.owner_kind = ?1 AND k.owner = ?2 AND k.key = ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![row.kind, row.id, key.as_str()])?;
    let Some(found) = rows.next()? else { return Ok(None) };
    Ok(Some(Metric {
        owner: owner.clone(),
        name: MetricName::new(found.get::<_, String>(0)?)?,
        date: Timestamp::from_micros(found.get(1)?),
        value: Stored::read(found.get_ref(2)?).map_err(rusqlite::Error::from)?.into_value(),
        cumulative: found.get(3)?,
        metadata: found.get(4)?,
        step: found.get(5)?,
        epoch: found.get(6)?,
    }))
}
