//! Batches: many points and one answer, which is kept under the key of the request.

use mlbench_core::Timestamp;
use mlbench_core::api::{BatchResult, Metric};
use mlbench_core::storage::{Batch, BatchKey, BatchOutcome, BatchPoint, IdempotencyKey};
use mlbench_core::{Error, ErrorCode};
use rusqlite::{Connection, OptionalExtension, params};

use super::failure::Failure;
use super::ingest::insert;
use super::metrics::{FORGET_AT_ONCE, unknown};

/// Stores a batch, unless its key was used before.
pub(super) fn record(
    connection: &Connection,
    batch: &Batch,
    now: Timestamp,
) -> Result<BatchOutcome, Failure> {
    let Batch { points, key } = batch;
    if let Some(key) = key
        && let Some(answer) = answered_under(connection, key, points.len())?
    {
        return Ok(BatchOutcome { result: answer, replayed: true });
    }
    let answer = store(connection, points)?;
    if let Some(key) = key {
        keep(connection, key, points.len(), &answer, now)?;
    }
    Ok(BatchOutcome { result: answer, replayed: false })
}

fn store(connection: &Connection, points: &[BatchPoint]) -> Result<BatchResult, Failure> {
    let good: Vec<&Metric> = points.iter().filter_map(|point| point.metric.as_ref().ok()).collect();
    let mut places = insert(connection, &good)?.into_iter();
    let mut answer = BatchResult::default();
    for BatchPoint { index, metric } in points {
        match metric {
            Err(error) => answer.reject(*index, error),
            Ok(_) if places.next().flatten().is_some() => answer.accepted += 1,
            Ok(metric) => answer.reject(*index, &Error::from(unknown(&metric.owner))),
        }
    }
    Ok(answer)
}

fn answered_under(
    connection: &Connection,
    key: &BatchKey,
    points: usize,
) -> Result<Option<BatchResult>, Failure> {
    let sql = "SELECT points, answer FROM batch_key WHERE key = ?1 AND chunk = ?2";
    let kept: Option<(i64, String)> = connection
        .prepare_cached(sql)?
        .query_row(params![key.key.as_str(), key.chunk], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((count, answer)) = kept else { return Ok(None) };
    if usize::try_from(count) != Ok(points) {
        let detail = format!(
            "Idempotency-Key: it stands for another batch, which had {count} points and not {points}"
        );
        return Err(Error::new(ErrorCode::IdempotencyKeyReused, detail).into());
    }
    serde_json::from_str(&answer).map(Some).map_err(|error| Failure::unreadable("answer", error))
}

fn keep(
    connection: &Connection,
    key: &BatchKey,
    points: usize,
    answer: &BatchResult,
    now: Timestamp,
) -> Result<(), Failure> {
    let answer = serde_json::to_string(answer).map_err(Error::internal)?;
    let points = i64::try_from(points).unwrap_or(i64::MAX);
    let sql = "INSERT INTO batch_key (key, chunk, stored_at, points, answer) VALUES (?1, ?2, ?3, ?4, ?5)";
    let row = params![key.key.as_str(), key.chunk, now.as_micros(), points, answer];
    connection.prepare_cached(sql)?.execute(row)?;
    let sql = "DELETE FROM batch_key WHERE id IN (SELECT id FROM \
               (SELECT id, stored_at FROM batch_key ORDER BY id LIMIT ?2) WHERE stored_at < ?1)";
    let forgotten = now.saturating_sub(IdempotencyKey::RETENTION).as_micros();
    connection.prepare_cached(sql)?.execute(params![forgotten, FORGET_AT_ONCE])?;
    Ok(())
}
