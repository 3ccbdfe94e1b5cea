//! Batches: many points in one transaction, with one result.

use mlbench_core::Timestamp;
use mlbench_core::batch::BatchResult;
use mlbench_core::metric::Metric;
use mlbench_core::storage::{Batch, BatchOutcome, BatchPoint, BatchSeries, SeriesName};
use rusqlite::Connection;

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
pub(crate) fn record(
    connection: &Connection,
    arrivals: &Arrivals,
    batch: &Batch,
    now: Timestamp,
) -> Result<BatchOutcome, StoreError> {
    let Some(key) = &batch.key else {
        return Ok(BatchOutcome { result: store(connection, arrivals, batch)?, replayed: false });
    };
    let keyed = Keyed { endpoint: KeyedEndpoint::Batches, chunk: key.chunk, request: &key.request };
    if let Some(result) = idempotency::find(connection, keyed)? {
        return Ok(BatchOutcome { result, replayed: true });
    }
    let result = store(connection, arrivals, batch)?;
    idempotency::remember(connection, keyed, &result, now)?;
    idempotency::expire(connection, 1, now)?;
    Ok(BatchOutcome { result, replayed: false })
}

fn store(connection: &Connection, arrivals: &Arrivals, batch: &Batch) -> Result<BatchResult, StoreError> {
    let mut result = BatchResult::default();
    store_points(connection, arrivals, &batch.points, &mut result)?;
    batch.series.iter().try_for_each(|series| store_series(connection, arrivals, series, &mut result))?;
    Ok(result)
}

fn store_points(
    connection: &Connection,
    arrivals: &Arrivals,
    points: &[BatchPoint],
    result: &mut BatchResult,
) -> Result<(), StoreError> {
    let valid: Vec<&Metric> = points.iter().filter_map(|point| point.metric.as_ref().ok()).collect();
    let mut stored = insert(connection, arrivals, &valid)?.into_iter();
    for BatchPoint { index, metric } in points {
        match metric {
            Err(error) => result.reject(*index, error),
            Ok(_) if stored.next() == Some(true) => result.accepted += 1,
            Ok(metric) => result.reject(*index, &owner::not_found(&metric.owner)),
        }
    }
    Ok(())
}

fn store_series(
    connection: &Connection,
    arrivals: &Arrivals,
    series: &BatchSeries,
    result: &mut BatchResult,
) -> Result<(), StoreError> {
    let Ok(SeriesName { owner, name }) = &series.series else {
        series.report(Ok(()), result);
        return Ok(());
    };
    match owner::find(connection, owner)? {
        Some(row) => {
            insert_columns(connection, arrivals, (row, name), &series.points)?;
            series.report(Ok(()), result);
        }
        None => series.report(Err(&owner::not_found(owner)), result),
    }
    Ok(())
}
