//! [`Batch`]: metrics of one request, in columns.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use mlbench_core::api::{BatchResult, NewMetric, NewSeries};
use mlbench_core::{ErrorCode, MetricName, Owner};
use tokio::time::Instant;
use uuid::Uuid;

use super::fields::Record;
use crate::error::Error;
use crate::metrics::encode_batch;

/// Metrics per request, so that few requests are left to try when the server has been away.
pub(super) const BATCH_METRICS: usize = 10_000;
/// Approximate size limit of a request, in bytes of texts.
pub(super) const BATCH_BYTES: usize = 4 << 20;
/// What a metric adds to a request beside its texts: its date, its step and punctuation.
const METRIC_BYTES: usize = 64;

/// Metrics of one request, which is sent under one key until the server has stored them.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    pub(super) key: Uuid,
    /// Number of metrics.
    pub(super) count: u64,
    /// The body of the request.
    pub(super) body: Bytes,
}

/// A batch in memory.
#[derive(Debug)]
pub(super) struct RecordedBatch {
    pub(super) batch: Batch,
    /// Size of its texts in bytes.
    pub(super) size: usize,
    /// When the last metric was recorded.
    pub(super) newest: Instant,
}

/// Metrics that no request can hold.
#[derive(Debug)]
pub(super) struct NotEncoded {
    pub(super) count: u64,
    pub(super) size: usize,
    pub(super) error: Error,
}

/// Takes the first metrics of `records`, up to the limits of one request. `None` without any.
pub(super) fn next_batch(
    records: &mut VecDeque<Record>,
    owner: &Owner,
    limit: usize,
) -> Option<Result<RecordedBatch, NotEncoded>> {
    let newest = records.front()?.recorded;
    let (mut size, mut newest, mut metrics) = (0, newest, Vec::new());
    while metrics.len() < BATCH_METRICS && size + metrics.len() * METRIC_BYTES < limit {
        let Some(record) = records.pop_front() else { break };
        size += record.size();
        newest = record.recorded;
        metrics.push(record.into_metric(owner.clone()));
    }
    let count = metrics.len() as u64;
    Some(match encode_batch(&by_name(&metrics)) {
        Ok(body) => Ok(RecordedBatch { batch: Batch { key: Uuid::new_v4(), count, body }, size, newest }),
        Err(error) => Err(NotEncoded { count, size, error }),
    })
}

/// Returns a series for each name, with its metrics in the order in which they were recorded.
fn by_name(metrics: &[NewMetric]) -> Vec<NewSeries<'_>> {
    let mut places: HashMap<&MetricName, usize> = HashMap::new();
    let mut series: Vec<Vec<&NewMetric>> = Vec::new();
    for metric in metrics {
        let place = *places.entry(&metric.name).or_insert(series.len());
        match series.get_mut(place) {
            Some(metrics) => metrics.push(metric),
            None => series.push(vec![metric]),
        }
    }
    series.iter().filter_map(|metrics| NewSeries::new(metrics)).collect()
}

/// Returns how many metrics of a batch the server rejected, and the reason for the first.
pub(super) fn rejection(result: BatchResult) -> Option<(u64, Error)> {
    let unnamed = || Error::Rejected {
        code: ErrorCode::Unknown,
        message: "the server rejected it without a reason".to_owned(),
    };
    let first = result.rejected.into_iter().next();
    let reason =
        first.map_or_else(unnamed, |first| Error::Rejected { code: first.code, message: first.message });
    (result.rejected_count > 0).then_some((result.rejected_count, reason))
}
