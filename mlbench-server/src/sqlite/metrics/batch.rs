//! Batches: many points in one transaction, with one result.

use mlbench_core::Timestamp;
use mlbench_core::batch::BatchResult;
use mlbench_core::metric::Metric;
use mlbench_core::storage::{Batch, BatchOutcome, BatchPoint, BatchSeries, SeriesName};
use rusqlite::Connection;

use super::ahead;
use super::insert::{self, insert, insert_columns};
use super::owner;
use super::recent::Arrivals;
use crate::sqlite::error::StoreError;
use crate::sqlite::idempotency::{self, Keyed, KeyedEndpoint};

/// Estimates the memory that a batch takes while it is queued, in bytes.
pub(crate) fn memory_bytes(batch: &Batch) -> usize {
    let point_bytes = |point: &BatchPoint| match &point.metric {
        Ok(metric) => insert::memory_bytes(metric),
        Err(error) => size_of::<BatchPoint>() + error.detail().len(),
    };
    let series_bytes = |series: &BatchSeries| size_of::<BatchSeries>() + series.points.memory_bytes();
    batch.points.iter().map(point_bytes).sum::<usize>() + batch.series.iter().map(series_bytes).sum::<usize>()
}

/// Stores a batch unless its key was used before.
///
/// Returns also how many of the stored points are dated far ahead.
pub(crate) fn record(
    connection: &Connection,
    arrivals: &Arrivals,
    batch: &Batch,
    now: Timestamp,
) -> Result<(BatchOutcome, u64), StoreError> {
    let limit = ahead::limit(now);
    let Some(key) = &batch.key else {
        let (result, ahead) = store(connection, arrivals, batch, limit)?;
        return Ok((BatchOutcome { result, replayed: false }, ahead));
    };
    let keyed = Keyed { endpoint: KeyedEndpoint::Batches, chunk: key.chunk, request: &key.request };
    if let Some(result) = idempotency::find(connection, keyed)? {
        return Ok((BatchOutcome { result, replayed: true }, 0));
    }
    let (result, ahead) = store(connection, arrivals, batch, limit)?;
    idempotency::remember(connection, keyed, &result, now)?;
    idempotency::expire(connection, 1, now)?;
    Ok((BatchOutcome { result, replayed: false }, ahead))
}

/// Stores a batch. Returns also how many of the stored points are dated after `limit`.
fn store(
    connection: &Connection,
    arrivals: &Arrivals,
    batch: &Batch,
    limit: Timestamp,
) -> Result<(BatchResult, u64), StoreError> {
    let mut result = BatchResult::default();
    let mut ahead = 0;
    for metric in store_points(connection, arrivals, &batch.points, &mut result)? {
        ahead += u64::from(metric.date > limit);
    }
    for series in &batch.series {
        if store_series(connection, arrivals, series, &mut result)? {
            ahead += series.points.dated_after(limit);
        }
    }
    Ok((result, ahead))
}

/// Stores points, and returns those that were stored.
fn store_points<'a>(
    connection: &Connection,
    arrivals: &Arrivals,
    points: &'a [BatchPoint],
    result: &mut BatchResult,
) -> Result<Vec<&'a Metric>, StoreError> {
    let valid: Vec<&Metric> = points.iter().filter_map(|point| point.metric.as_ref().ok()).collect();
    let is_stored = insert(connection, arrivals, &valid)?;
    let mut stored = is_stored.iter().copied();
    for BatchPoint { index, metric } in points {
        match metric {
            Err(error) => result.reject(*index, error),
            Ok(_) if stored.next() == Some(true) => result.accepted += 1,
            Ok(metric) => result.reject(*index, &owner::not_found(&metric.owner)),
        }
    }
    Ok(valid.into_iter().zip(is_stored).filter_map(|(metric, stored)| stored.then_some(metric)).collect())
}

/// Stores the points of a series. Returns whether it has an owner.
fn store_series(
    connection: &Connection,
    arrivals: &Arrivals,
    series: &BatchSeries,
    result: &mut BatchResult,
) -> Result<bool, StoreError> {
    let Ok(SeriesName { owner, name }) = &series.series else {
        series.report(Ok(()), result);
        return Ok(false);
    };
    let owner_row = owner::find(connection, owner)?;
    match owner_row {
        Some(row) => {
            insert_columns(connection, arrivals, (row, name), &series.points)?;
            series.report(Ok(()), result);
        }
        None => series.report(Err(&owner::not_found(owner)), result),
    }
    Ok(owner_row.is_some())
}
