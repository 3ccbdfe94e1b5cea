//! [`MetricLogger`]: records metrics without making the caller wait for the server.

use std::sync::Arc;

use mlbench_core::api::NewMetric;
use mlbench_core::{MetricName, MetricValue, Owner, Timestamp};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::delivery::DeliveryTracker;
use super::fields::Fields;
use super::sender::{QueuedMetric, StopGuard, report_losses, send_all, size};
use crate::client::Client;
use crate::clock;
use crate::error::{Error, Result};

/// Metrics that can be queued.
pub(super) const CAPACITY: usize = 100_000;

/// Records metrics of one owner without waiting for the server: a background task posts them in batches.
///
/// The task posts queued metrics one batch at a time, and those of one name in the order in which they were
/// recorded. Each batch has its own `Idempotency-Key`, and the task retries it with growing pauses while the server is
/// unreachable, overloaded or failing. A restart of the server therefore neither loses nor duplicates a
/// metric. The task drops a metric when the server rejects it, or when the server has stored nothing for the
/// [`retry_timeout`](crate::ClientBuilder::retry_timeout) (60 s by default). It tries to send each batch at
/// least once, even if the program was suspended for longer than that.
///
/// Recording never fails and never waits, so that the measured program is not disturbed. A metric that cannot
/// be stored is counted as lost: [`flush`](Self::flush) returns the number, and
/// [`on_loss`](crate::ClientBuilder::on_loss) is called while the program runs.
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
    /// A logger created outside a tokio runtime stores nothing, and counts every metric as lost.
    #[must_use]
    pub fn metric_logger(&self, owner: Owner) -> MetricLogger {
        let (queue, queued) = mpsc::channel(CAPACITY);
        let tracker = Arc::new(DeliveryTracker::new());
        let guard = StopGuard(Arc::clone(&tracker));
        // Without a runtime the guard is dropped here, which marks the logger as stopped.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(report_losses(self.clone(), Arc::clone(&tracker)));
            runtime.spawn(send_all(self.clone(), guard, queued));
        }
        MetricLogger { owner, tracker, queue }
    }
}

impl MetricLogger {
    /// Records `value` for the metric `name`, dated `date` or now, with `metadata` as free text.
    ///
    /// Never waits and never fails. A metric that cannot be queued is counted as lost: because 100,000 metrics
    /// or 64 MiB of them wait for the server, the logger has stopped, or `name` is empty or longer than 512
    /// bytes.
    pub fn record(&self, name: &str, value: impl Into<MetricValue>, date: Option<Timestamp>, metadata: &str) {
        self.enqueue(name, Fields { date, metadata: metadata.to_owned(), ..Fields::new(value.into()) });
    }

    /// Queues a metric, or counts it as lost.
    pub(super) fn enqueue(&self, name: &str, fields: Fields) {
        if let Err(error) = self.try_enqueue(name, fields) {
            self.tracker.lose_untracked(&error);
        }
    }

    fn try_enqueue(&self, name: &str, fields: Fields) -> Result<()> {
        let Fields { date, value, cumulative, step, epoch, metadata } = fields;
        let metric = NewMetric {
            owner: self.owner.clone(),
            name: MetricName::new(name)?,
            date: Some(date.unwrap_or_else(clock::now)),
            value,
            cumulative,
            step,
            epoch,
            metadata,
        };
        let queue_full = || Error::QueueFull { waiting: self.tracker.pending() };
        let slot = self.queue.try_reserve().map_err(|error| match error {
            mpsc::error::TrySendError::Full(()) => queue_full(),
            mpsc::error::TrySendError::Closed(()) => Error::LoggerStopped,
        })?;
        let number = self.tracker.begin(size(&metric)).ok_or_else(queue_full)?;
        slot.send(QueuedMetric { number, recorded: Instant::now(), metric });
        Ok(())
    }

    /// Returns the number of recorded metrics that are neither stored nor lost yet.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.tracker.pending()
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
