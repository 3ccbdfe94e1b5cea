//! Idempotency keys: a repeated request with the same key stores nothing and gets the first result.
//!
//! Single metrics and batches have a table each, because a reference to a point is far smaller than the result of a
//! batch. The rules are the same for both.

use std::borrow::Cow;

use mlbench_core::batch::BatchResult;
use mlbench_core::storage::IdempotencyKey;
use mlbench_core::{Error, ErrorCode, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::owner::OwnerRow;
use super::scan::PointKey;
use crate::sqlite::error::StoreError;

/// How many expired keys each new key deletes, so that keys go at least as fast as they come.
const EXPIRE_PER_WRITE: usize = 4;

/// The requests among which a key is unique.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scope {
    /// Single metrics of one owner.
    Metrics(OwnerRow),
    /// Chunks of all batches that have this number in their batch.
    Batches { chunk: u32 },
}

/// A request that carries a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyedRequest<'a> {
    pub(super) scope: Scope,
    pub(super) key: &'a IdempotencyKey,
    /// Number of points sent, valid or not. A batch with a different number is a different request.
    pub(super) points: usize,
}

/// The result for a repeated request.
#[derive(Debug)]
pub(super) enum Replay<'a> {
    /// The point that the first request stored.
    Point(PointKey),
    /// The result of the first request.
    Batch(Cow<'a, BatchResult>),
}

/// Finds the result of the first request with the same key.
///
/// # Errors
/// [`IdempotencyKeyReused`](ErrorCode::IdempotencyKeyReused) when the first request was a different one.
pub(super) fn find(
    connection: &Connection,
    request: KeyedRequest<'_>,
) -> Result<Option<Replay<'static>>, StoreError> {
    match request.scope {
        Scope::Metrics(owner) => find_point(connection, owner, request.key),
        Scope::Batches { chunk } => find_batch(connection, chunk, request.key, request.points),
    }
}

fn find_point(
    connection: &Connection,
    owner: OwnerRow,
    key: &IdempotencyKey,
) -> Result<Option<Replay<'static>>, StoreError> {
    let sql = "SELECT series, date, seq FROM metric_key WHERE owner_kind = ?1 AND owner = ?2 AND key = ?3";
    let point = |row: &Row<'_>| {
        Ok(PointKey { series: row.get(0)?, date: Timestamp::from_micros(row.get(1)?), seq: row.get(2)? })
    };
    let found = connection.prepare_cached(sql)?.query_row(params![owner.kind, owner.id, key.as_str()], point);
    Ok(found.optional()?.map(Replay::Point))
}

fn find_batch(
    connection: &Connection,
    chunk: u32,
    key: &IdempotencyKey,
    points: usize,
) -> Result<Option<Replay<'static>>, StoreError> {
    let sql = "SELECT points, result FROM batch_key WHERE key = ?1 AND chunk = ?2";
    let found: Option<(i64, String)> = connection
        .prepare_cached(sql)?
        .query_row(params![key.as_str(), chunk], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((first_points, result)) = found else { return Ok(None) };
    if usize::try_from(first_points) != Ok(points) {
        let detail = format!(
            "Idempotency-Key: already used for a batch of {first_points} points, this one has {points}; use a new key"
        );
        return Err(Error::new(ErrorCode::IdempotencyKeyReused, detail).into());
    }
    let result = serde_json::from_str(&result).map_err(|error| StoreError::corrupt("batch result", error))?;
    Ok(Some(Replay::Batch(Cow::Owned(result))))
}

/// Stores the result of a request for later repeats.
pub(super) fn remember(
    connection: &Connection,
    request: KeyedRequest<'_>,
    replay: &Replay<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (key, now) = (request.key.as_str(), now.as_micros());
    match (request.scope, replay) {
        (Scope::Metrics(owner), Replay::Point(point)) => {
            let sql = "INSERT INTO metric_key (owner_kind, owner, key, stored_at, series, date, seq) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
            let date = point.date.as_micros();
            let row = params![owner.kind, owner.id, key, now, point.series, date, point.seq];
            connection.prepare_cached(sql)?.execute(row)?;
        }
        (Scope::Batches { chunk }, Replay::Batch(result)) => {
            let result = serde_json::to_string(result).map_err(Error::internal)?;
            let points = i64::try_from(request.points).unwrap_or(i64::MAX);
            let sql =
                "INSERT INTO batch_key (key, chunk, stored_at, points, result) VALUES (?1, ?2, ?3, ?4, ?5)";
            connection.prepare_cached(sql)?.execute(params![key, chunk, now, points, result])?;
        }
        (scope, replay) => {
            let detail = format_args!("a key of {scope:?} cannot replay {replay:?}");
            return Err(Error::internal(detail).into());
        }
    }
    Ok(())
}

/// Deletes the oldest keys of the kind of `scope` that are past their retention, some for each of `new` keys.
pub(super) fn expire(
    connection: &Connection,
    scope: Scope,
    new: usize,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (oldest, delete) = match scope {
        Scope::Metrics(_) => (
            "SELECT stored_at FROM metric_key ORDER BY id LIMIT 1",
            "DELETE FROM metric_key WHERE id IN (SELECT id FROM \
             (SELECT id, stored_at FROM metric_key ORDER BY id LIMIT ?2) WHERE stored_at < ?1)",
        ),
        Scope::Batches { .. } => (
            "SELECT stored_at FROM batch_key ORDER BY id LIMIT 1",
            "DELETE FROM batch_key WHERE id IN (SELECT id FROM \
             (SELECT id, stored_at FROM batch_key ORDER BY id LIMIT ?2) WHERE stored_at < ?1)",
        ),
    };
    let oldest: Option<i64> =
        connection.prepare_cached(oldest)?.query_row([], |row| row.get(0)).optional()?;
    let expired = now.saturating_sub(IdempotencyKey::RETENTION).as_micros();
    if oldest.is_some_and(|stored_at| stored_at < expired) {
        let limit = i64::try_from(new.saturating_mul(EXPIRE_PER_WRITE)).unwrap_or(i64::MAX);
        connection.prepare_cached(delete)?.execute(params![expired, limit])?;
    }
    Ok(())
}

/// Deletes up to `limit` keys of an owner. Returns how many it deleted.
pub(crate) fn delete_some(connection: &Connection, owner: OwnerRow, limit: u32) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM metric_key WHERE id IN \
               (SELECT id FROM metric_key WHERE owner_kind = ?1 AND owner = ?2 LIMIT ?3)";
    connection.prepare_cached(sql)?.execute(params![owner.kind, owner.id, limit])
}
