//! [`MetricLogger`]: records metrics without making the caller wait for the server.

use std::sync::Arc;
use std::time::Duration;

use mlbench_core::{MetricName, MetricValue, Timestamp};
use tokio::time::Instant;

use super::fields::{Fields, Record};
use super::queue::Queue;
use super::stats::LoggerStats;
use crate::clock;
use crate::error::{Error, Result};
use crate::retry;

/// How long the end of a logger waits for what is in memory.
const LAST_CHANCE: Duration = Duration::from_secs(2);

/// Records metrics of one owner without waiting for the server: a thread posts them in batches.
///
/// The thread posts one batch at a time, and metrics of one name in the order in which they were recorded. Each batch
/// has its own `Idempotency-Key`, and the thread retries it with growing pauses while the server is unreachable,
/// overloaded or failing. A restart of the server therefore neither loses nor duplicates a metric.
///
/// Without a [spool](super::MetricLoggerBuilder::spool), the thread drops a metric when the server rejects it, or when
/// the server has stored nothing for the [`retry_timeout`](crate::ClientBuilder::retry_timeout) (60 s by default). It
/// tries to send each batch at least once, even if the program was suspended for longer than that. With a spool,
/// metrics wait there as long as it takes, and survive the end of the program.
///
/// Recording never fails and never waits, so that the measured program is not disturbed. A metric that cannot
/// be stored is counted as lost: [`flush`](Self::flush) and [`stats`](Self::stats) return the number, and
/// [`on_loss`](crate::ClientBuilder::on_loss) is called while the program runs.
///
/// Clones share one queue. **Call [`flush`](Self::flush) before the program ends**, to know which metrics are stored.
/// Dropping the last clone waits until those in memory are stored or in the spool, for up to 2 s, but not for metrics
/// that the last flush has reported as waiting. A metric in memory after that is lost when the program ends.
#[derive(Debug, Clone)]
pub struct MetricLogger(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    queue: Arc<Queue>,
    retry_timeout: Duration,
    is_patient: bool,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
        self.queue.wait_until_safe(LAST_CHANCE);
    }
}

impl MetricLogger {
    pub(super) fn new(queue: Arc<Queue>, retry_timeout: Duration, is_patient: bool) -> Self {
        Self(Arc::new(Inner { queue, retry_timeout, is_patient }))
    }

    /// Records `value` for the metric `name`, dated `date` or now, with `metadata` as free text.
    ///
    /// Never waits and never fails. A metric that cannot be queued is counted as lost: because 100,000 metrics
    /// or 64 MiB of them wait in memory, the logger has stopped, or `name` is empty or longer than 512 bytes.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::Owner;
    ///
    /// let logger = client.metric_logger(Owner::Run(run));
    /// logger.record("loss", 0.5, None, "warm-up");
    /// logger.record("loss", 0.25, None, "");
    /// logger.flush().await?;
    /// # }) }
    /// ```
    pub fn record(&self, name: &str, value: impl Into<MetricValue>, date: Option<Timestamp>, metadata: &str) {
        self.enqueue(name, Fields { date, metadata: metadata.to_owned(), ..Fields::new(value.into()) });
    }

    /// Queues a metric, or counts it as lost.
    pub(super) fn enqueue(&self, name: &str, mut fields: Fields) {
        fields.date.get_or_insert_with(clock::now);
        let record = MetricName::new(name).map(|name| Record { name, fields, recorded: Instant::now() });
        if let Err(error) = record.map_err(Error::from).and_then(|record| self.0.queue.push(record)) {
            self.0.queue.lose_unqueued(1, &error);
        }
    }

    /// Returns how many metrics wait, were stored and were lost.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::Owner;
    ///
    /// let logger = client.metric_logger(Owner::Run(run));
    /// logger.log("loss", 0.5).step(1);
    /// logger.log("loss", 0.25).step(2);
    /// logger.flush().await?;
    /// let stats = logger.stats();
    /// assert_eq!((stats.sent, stats.pending, stats.dropped), (2, 0, 0));
    /// # }) }
    /// ```
    #[must_use]
    pub fn stats(&self) -> LoggerStats {
        self.0.queue.stats()
    }

    /// Waits until every metric recorded so far, through any clone, is stored or lost.
    ///
    /// With a spool, it gives up waiting when the server has stored nothing for the
    /// [`retry_timeout`](crate::ClientBuilder::retry_timeout).
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::Owner;
    ///
    /// let logger = client.metric_logger(Owner::Run(run));
    /// logger.log("loss", 0.5).step(1);
    /// if let Err(error) = logger.flush().await {
    ///     eprintln!("{error}"); // for example: 1 recorded metric was lost; first error: run 7 does not exist
    /// }
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// [`MetricsLost`](Error::MetricsLost) with the number of metrics lost since the last report and the
    /// first reason, [`NotSent`](Error::NotSent) with the number of metrics that still wait, and why.
    pub async fn flush(&self) -> Result<()> {
        let (target, start) = (self.0.queue.begin_flush(), Instant::now());
        let Inner { queue, retry_timeout, is_patient } = &*self.0;
        let deadline =
            |last_stored: Instant| is_patient.then(|| retry::later(start.max(last_stored), *retry_timeout));
        queue.settled(target, deadline).await
    }

    /// Waits like [`flush`](Self::flush), but no longer than `timeout`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use std::time::Duration;
    ///
    /// use mlbench_client::Owner;
    ///
    /// let logger = client.metric_logger(Owner::Run(run));
    /// logger.log("loss", 0.5).step(1);
    /// logger.flush_within(Duration::from_secs(10)).await?;
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// Those of [`flush`](Self::flush).
    pub async fn flush_within(&self, timeout: Duration) -> Result<()> {
        let (target, deadline) = (self.0.queue.begin_flush(), retry::later(Instant::now(), timeout));
        self.0.queue.settled(target, |_| Some(deadline)).await
    }

    /// Waits like [`flush_within`](Self::flush_within) on the thread of the caller, without a tokio runtime.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use std::time::Duration;
    ///
    /// use mlbench_client::Owner;
    ///
    /// let logger = client.metric_logger(Owner::Run(run));
    /// logger.log("loss", 0.5).step(1);
    /// logger.flush_blocking(Duration::from_secs(10))?;
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// Those of [`flush`](Self::flush).
    pub fn flush_blocking(&self, timeout: Duration) -> Result<()> {
        let (target, deadline) = (self.0.queue.begin_flush(), retry::later(Instant::now(), timeout));
        self.0.queue.settled_blocking(target, deadline)
    }
}
