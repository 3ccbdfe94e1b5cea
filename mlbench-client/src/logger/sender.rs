//! The background task that posts queued metrics in batches.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use mlbench_core::MetricName;
use mlbench_core::api::{BatchResult, NewMetric, NewSeries, RejectedPoint};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use super::delivery::DeliveryTracker;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::metrics::create_batch;
use crate::retry;

/// Metrics per post, so that few posts are left to try when the server has been away.
const BATCH_METRICS: usize = 10_000;
/// Approximate size limit of the texts in one post, in bytes.
pub(super) const BATCH_BYTES: usize = 4 << 20;

/// Timeout of the last attempt to send a batch, so that `flush` does not take hours.
const LATE_ATTEMPT: Duration = Duration::from_secs(5);
/// Shortest time between two reports of losses.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// A recorded metric on its way to the server.
#[derive(Debug)]
pub(super) struct QueuedMetric {
    pub(super) number: u64,
    pub(super) recorded: Instant,
    pub(super) metric: NewMetric,
}

/// Marks the logger as stopped when the background task ends for any reason.
pub(super) struct StopGuard(pub(super) Arc<DeliveryTracker>);

impl Drop for StopGuard {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Posts queued metrics until the last logger is dropped and the queue is empty.
pub(super) async fn send_all(client: Client, guard: StopGuard, mut queue: mpsc::Receiver<QueuedMetric>) {
    let tracker = &guard.0;
    while let Some(first) = queue.recv().await {
        let batch = next_batch(first, &mut queue);
        match send(&client, tracker, &batch).await {
            Ok(result) => {
                let rejected_count = result.rejected_count;
                let outcomes = outcomes(&by_name(&batch), result.rejected);
                let named = outcomes.iter().filter(|(_, rejection)| rejection.is_some()).count() as u64;
                tracker.accepted(outcomes.into_iter(), rejected_count.saturating_sub(named));
            }
            Err(error) => tracker.lose(batch.iter().map(|queued| queued.number), &error),
        }
    }
}

/// Reports lost metrics to `on_loss` until the logger stops: the first at once, others in groups.
pub(super) async fn report_losses(client: Client, tracker: Arc<DeliveryTracker>) {
    let mut reported = 0;
    while let Some(losses) = tracker.more_losses_than(reported).await {
        if let Some(error) = &losses.last {
            client.report_loss(losses.count - reported, error);
        }
        reported = losses.count;
        sleep(REPORT_INTERVAL).await;
    }
}

/// Returns the metrics of each name in the order in which they were recorded.
///
/// All of them have the owner of the logger.
fn by_name(batch: &[QueuedMetric]) -> Vec<Vec<&QueuedMetric>> {
    let mut places: HashMap<&MetricName, usize> = HashMap::new();
    let mut series: Vec<Vec<&QueuedMetric>> = Vec::new();
    for queued in batch {
        let place = *places.entry(&queued.metric.name).or_insert(series.len());
        match series.get_mut(place) {
            Some(metrics) => metrics.push(queued),
            None => series.push(vec![queued]),
        }
    }
    series
}

fn series<'a>(queued: &[&'a QueuedMetric]) -> Option<NewSeries<'a>> {
    NewSeries::new(&queued.iter().map(|queued| &queued.metric).collect::<Vec<_>>())
}

/// Returns the number of each metric, and why it was rejected if the server says so.
fn outcomes(series: &[Vec<&QueuedMetric>], rejected: Vec<RejectedPoint>) -> Vec<(u64, Option<Error>)> {
    let rejections: HashMap<(u64, Option<u64>), Error> = rejected
        .into_iter()
        .map(|RejectedPoint { index, item, code, message }| {
            ((index, item), Error::Rejected { code, message })
        })
        .collect();
    let mut outcomes = Vec::new();
    for (index, metrics) in (0..).zip(series) {
        let of_series = rejections.get(&(index, None));
        for (item, queued) in (0..).zip(metrics) {
            let rejection = of_series.or_else(|| rejections.get(&(index, Some(item))));
            outcomes.push((queued.number, rejection.cloned()));
        }
    }
    outcomes
}

/// Returns the approximate size of a metric in memory and in a request, in bytes.
pub(super) fn size(metric: &NewMetric) -> usize {
    let NewMetric { name, value, metadata, .. } = metric;
    name.as_str().len() + value.as_str().len() + metadata.len()
}

/// Takes `first` and whatever else is queued, up to the limits of one post.
fn next_batch(first: QueuedMetric, queue: &mut mpsc::Receiver<QueuedMetric>) -> Vec<QueuedMetric> {
    let mut bytes = size(&first.metric);
    let mut batch = vec![first];
    while batch.len() < BATCH_METRICS && bytes < BATCH_BYTES {
        let Ok(next) = queue.try_recv() else { break };
        bytes += size(&next.metric);
        batch.push(next);
    }
    batch
}

/// Sends a batch until the server accepts it or the retry timeout ends, at least once after it has ended.
///
/// The timeout may end without any chance to send: the program was suspended, or earlier batches used it up.
async fn send(client: &Client, tracker: &DeliveryTracker, batch: &[QueuedMetric]) -> Result<BatchResult> {
    let retry_timeout = client.retry_timeout();
    let newest = batch.last().map_or_else(Instant::now, |queued| queued.recorded);
    let deadline = || retry::later(newest.max(tracker.last_stored()), retry_timeout);
    let request =
        create_batch(&by_name(batch).iter().filter_map(|metrics| series(metrics)).collect::<Vec<_>>())?;
    let attempt = || client.transport().json(&request);
    if Instant::now() < deadline() {
        // The retry callback is not called here: `flush` and `on_loss` report what is lost.
        match retry::until(retry::pauses(), deadline, |_, _| (), attempt).await {
            Err(error) if error.retryable() && Instant::now() >= deadline() => {}
            other => return other,
        }
    }
    let late = timeout(LATE_ATTEMPT, attempt()).await;
    late.unwrap_or(Err(Error::RetryTimeout { after: retry_timeout }))
}
