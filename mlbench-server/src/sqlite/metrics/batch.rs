//! Batches: many points in one transaction, with one result.

use std::borrow::Cow;

use mlbench_core::Timestamp;
use mlbench_core::batch::BatchResult;
use mlbench_core::metric::Metric;
use mlbench_core::storage::{Batch, BatchOutcome, BatchPoint};
use rusqlite::Connection;

use super::idempotency::{self, KeyedRequest, Replay, Scope};
use super::insert::{self, insert};
use super::owner;
use crate::sqlite::error::StoreError;

/// Estimates the memory that a batch takes while it is queued, in bytes.
pub(crate) fn memory_bytes(batch: &Batch) -> usize {
    let point_bytes = |point: &BatchPoint| match &point.metric {
        Ok(metric) => insert::memory_bytes(metric),
        Err(error) => size_of::<BatchPoint>() + error.detail().len(),
    };
    batch.points.iter().map(point_bytes).sum()
}

/// Stores a batch unless its key was used before.
pub(crate) fn record(
    connection: &Connection,
    batch: &Batch,
    now: Timestamp,
) -> Result<BatchOutcome, StoreError> {
    let Batch { points, key } = batch;
    let Some(key) = key else {
        return Ok(BatchOutcome { result: store(connection, points)?, replayed: false });
    };
    let scope = Scope::Batches { chunk: key.chunk };
    let request = KeyedRequest { scope, key: &key.key, points: points.len() };
    if let Some(Replay::Batch(first)) = idempotency::find(connection, request)? {
        return Ok(BatchOutcome { result: first.into_owned(), replayed: true });
    }
    let result = store(connection, points)?;
    idempotency::remember(connection, request, &Replay::Batch(Cow::Borrowed(&result)), now)?;
    idempotency::expire(connection, scope, 1, now)?;
    Ok(BatchOutcome { result, replayed: false })
}

fn store(connection: &Connection, points: &[BatchPoint]) -> Result<BatchResult, StoreError> {
    let valid: Vec<&Metric> = points.iter().filter_map(|point| point.metric.as_ref().ok()).collect();
    let mut stored = insert(connection, &valid)?.into_iter();
    let mut result = BatchResult::default();
    for BatchPoint { index, metric } in points {
        match metric {
            Err(error) => result.reject(*index, error),
            Ok(_) if stored.next().flatten().is_some() => result.accepted += 1,
            Ok(metric) => result.reject(*index, &owner::not_found(&metric.owner)),
        }
    }
    Ok(result)
}
