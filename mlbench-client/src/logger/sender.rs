//! The background task that posts queued metrics in batches.

use std::sync::Arc;

use mlbench_core::api::{BatchResult, NewMetric, RejectedPoint};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::delivery::DeliveryTracker;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::metrics::create_batch;
use crate::retry;

/// Metrics per post: the server reports at most this many rejections one by one.
const BATCH_METRICS: usize = BatchResult::MAX_LISTED;
/// Approximate size limit of the texts in one post, in bytes.
pub(super) const BATCH_BYTES: usize = 4 << 20;

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
        let numbers = batch.iter().map(|queued| queued.number);
        match send(&client, tracker, &batch).await {
            Ok(result) => {
                let mut rejections = result.rejected.into_iter().peekable();
                tracker.accepted((0..).zip(numbers).map(|(index, number)| {
                    let rejection = rejections.next_if(|point| point.index == index).map(rejected);
                    (number, rejection)
                }));
            }
            Err(error) => tracker.lose(numbers, &error),
        }
    }
}

fn rejected(point: RejectedPoint) -> Error {
    Error::Rejected { code: point.code, message: point.message }
}

/// Takes `first` and whatever else is queued, up to the limits of one post.
fn next_batch(first: QueuedMetric, queue: &mut mpsc::Receiver<QueuedMetric>) -> Vec<QueuedMetric> {
    let size = |queued: &QueuedMetric| {
        let NewMetric { name, value, metadata, .. } = &queued.metric;
        name.as_str().len() + value.as_str().len() + metadata.len()
    };
    let mut bytes = size(&first);
    let mut batch = vec![first];
    while batch.len() < BATCH_METRICS && bytes < BATCH_BYTES {
        let Ok(next) = queue.try_recv() else { break };
        bytes += size(&next);
        batch.push(next);
    }
    batch
}

/// Sends a batch until the server accepts it or the retry timeout ends.
async fn send(client: &Client, tracker: &DeliveryTracker, batch: &[QueuedMetric]) -> Result<BatchResult> {
    let timeout = client.retry_timeout();
    let newest = batch.last().map_or_else(Instant::now, |queued| queued.recorded);
    let deadline = || newest.max(tracker.last_stored()) + timeout;
    if Instant::now() >= deadline() {
        // Batches before this one used up the timeout. One more attempt per batch would add up to hours.
        return Err(Error::RetryTimeout { after: timeout });
    }
    let metrics: Vec<&NewMetric> = batch.iter().map(|queued| &queued.metric).collect();
    let request = create_batch(&metrics)?;
    // The retry callback is not called here: `flush` reports what is lost.
    retry::until(deadline, |_, _| (), || client.transport().json(&request)).await
}
