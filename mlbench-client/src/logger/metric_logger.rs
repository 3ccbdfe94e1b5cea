//! [`MetricLogger`]: records metrics without making the caller wait for the server.

use std::sync::Arc;

use mlbench_core::api::NewMetric;
use mlbench_core::{MetricName, MetricValue, Owner, Timestamp};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::delivery::DeliveryTracker;
use super::sender::{QueuedMetric, StopGuard, send_all};
use crate::client::Client;
use crate::clock;
use crate::error::{Error, Result};

/// Metrics that can be queued.
pub(super) const CAPACITY: usize = 10_000;

/// Records metrics of one owner without waiting for the server: a background task posts them in batches.
///
/// The task posts queued metrics in the order in which they were recorded, one batch at a time. Each batch
/// has its own `Idempotency-Key`, and the task retries it with growing pauses while the server is
/// unreachable, overloaded or failing. A restart of the server therefore neither loses nor duplicates a
/// metric. The task drops a metric when the server rejects it, or when the server has stored nothing for the
/// [`retry_timeout`](crate::ClientBuilder::retry_timeout) (60 s by default).
///
/// Clones share one queue. **Call [`flush`](Self::flush) before the program ends**: metrics that are still
/// queued when the tokio runtime ends are lost. While the runtime lives, they are sent even after the last
/// clone is dropped.
#[derive(Debug, Clone)]
pub struct MetricLogger {
    owner: Owner,
    pub(super) tracker: Arc<DeliveryTracker>,
    queue: mpsc::Sender<QueuedMetric>,
}

impl Client {
    /// Returns a logger that records metrics of `owner` in the background.
    ///
    /// A logger created outside a tokio runtime accepts nothing: every [`record`](MetricLogger::record)
    /// fails.
    #[must_use]
    pub fn metric_logger(&self, owner: Owner) -> MetricLogger {
        let (queue, queued) = mpsc::channel(CAPACITY);
        let tracker = Arc::new(DeliveryTracker::new());
        let guard = StopGuard(Arc::clone(&tracker));
        // Without a runtime the guard is dropped here, which marks the logger as stopped.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(send_all(self.clone(), guard, queued));
        }
        MetricLogger { owner, tracker, queue }
    }
}

impl MetricLogger {
    /// Records `value` for the metric `name`, dated `date` or now, with `metadata` as free text. Never waits.
    ///
    /// # Errors
    /// [`QueueFull`](Error::QueueFull), [`LoggerStopped`](Error::LoggerStopped), or
    /// [`Invalid`](Error::Invalid) for a name that is empty or longer than 512 bytes. [`flush`](Self::flush)
    /// counts each of these metrics as lost.
    pub fn record(
        &self,
        name: &str,
        value: impl Into<MetricValue>,
        date: Option<Timestamp>,
        metadata: &str,
    ) -> Result<()> {
        let number = self.tracker.begin();
        let queued = self.enqueue(number, name, value.into(), date, metadata);
        if let Err(error) = &queued {
            self.tracker.lose(std::iter::once(number), error);
        }
        queued
    }

    fn enqueue(
        &self,
        number: u64,
        name: &str,
        value: MetricValue,
        date: Option<Timestamp>,
        metadata: &str,
    ) -> Result<()> {
        let metric = NewMetric {
            owner: self.owner.clone(),
            name: MetricName::new(name)?,
            date: Some(date.unwrap_or_else(clock::now)),
            value,
            cumulative: false,
            step: None,
            epoch: None,
            metadata: metadata.to_owned(),
        };
        let queued = QueuedMetric { number, recorded: Instant::now(), metric };
        self.queue.try_send(queued).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Error::QueueFull { capacity: CAPACITY },
            mpsc::error::TrySendError::Closed(_) => Error::LoggerStopped,
        })
    }

    /// Waits until every metric recorded so far, through any clone, is stored or lost.
    ///
    /// # Errors
    /// [`MetricsLost`](Error::MetricsLost) with the number of metrics lost since the last report and the
    /// first reason.
    pub async fn flush(&self) -> Result<()> {
        self.tracker.settled().await
    }
}
