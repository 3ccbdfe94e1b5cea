//! [`Worker`]: sends batches, on a thread of its own.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use mlbench_core::api::{BatchResult, Endpoint};
use tokio::time::{Instant, sleep_until, timeout};

use super::batch::rejection;
use super::outbox::{Head, Outbox};
use super::queue::{Origin, Queue};
use crate::client::Client;
use crate::error::{Error, Result};
use crate::metrics::send_batch;
use crate::retry::{self, Backoff};

/// Timeout of the last attempt to send a batch, so that `flush` does not take hours.
const LATE_ATTEMPT: Duration = Duration::from_secs(5);
/// Longest pause that a server can ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);
/// Shortest time between two reports of losses.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// Sends the batches of an outbox, one at a time.
#[derive(Debug)]
pub(super) struct Worker {
    client: Client,
    queue: StopGuard,
    outbox: Outbox,
    pauses: Backoff,
    /// When to send again.
    resume: Option<Instant>,
    on_failure: FailureCallback,
    /// The status of the last attempt, if it failed.
    failed: Option<Option<u16>>,
}

/// Marks the queue as stopped when the worker ends for any reason.
#[derive(Debug)]
struct StopGuard(Arc<Queue>);

impl Drop for StopGuard {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Called with the reason when the server stops to take metrics.
#[derive(Clone)]
pub(super) struct FailureCallback(pub(super) Arc<OnFailure>);

type OnFailure = dyn Fn(&Error) + Send + Sync;

impl fmt::Debug for FailureCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FailureCallback")
    }
}

/// A request that is being sent.
struct Attempt {
    response: Pin<Box<dyn Future<Output = Result<BatchResult>> + Send>>,
    count: u64,
    origin: Origin,
    /// When to give the batch up, if ever.
    newest: Option<Instant>,
    /// Whether it is the last one.
    is_late: bool,
}

impl Worker {
    pub(super) fn new(
        client: Client,
        queue: Arc<Queue>,
        outbox: Outbox,
        on_failure: FailureCallback,
    ) -> Self {
        let (queue, pauses) = (StopGuard(queue), retry::pauses());
        Self { client, queue, outbox, pauses, resume: None, on_failure, failed: None }
    }

    /// Sends until the last logger is dropped and nothing waits that can be sent.
    ///
    /// The client must be one of this runtime.
    pub(super) async fn run(mut self) {
        let queue = Arc::clone(&self.queue.0);
        let reports = report_losses(self.client.clone(), Arc::clone(&queue));
        let sending = async {
            self.send_all().await;
            queue.finish();
        };
        tokio::join!(sending, reports);
    }

    /// Runs on this thread, with connections of its own.
    pub(super) fn run_blocking(mut self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        // Without both, the guard marks the logger as stopped.
        if let (Ok(runtime), Ok(client)) = (runtime, self.client.with_own_connections()) {
            self.client = client;
            runtime.block_on(self.run());
        }
    }

    async fn send_all(&mut self) {
        let queue = Arc::clone(&self.queue.0);
        let mut attempt: Option<Attempt> = None;
        loop {
            self.outbox.fill(&queue);
            if attempt.is_none() && self.resume.is_none_or(|at| at <= Instant::now()) {
                self.resume = None;
                attempt = self.outbox.head(&queue).map(|head| self.attempt(head));
            }
            // Asked after `fill`: what was recorded since then is queued, and is not forgotten.
            let is_exhausted = queue.is_exhausted();
            if is_exhausted && attempt.is_none() && (self.resume.is_none() || self.outbox.is_safe()) {
                return;
            }
            tokio::select! {
                result = response(&mut attempt), if attempt.is_some() => {
                    if let Some(attempt) = attempt.take() {
                        self.settle(&queue, &attempt, result);
                    }
                }
                () = until(self.resume), if self.resume.is_some() => {}
                () = queue.wait_for_work(), if !is_exhausted && self.outbox.has_room() => {}
            }
        }
    }

    /// Begins to send a batch.
    ///
    /// The retry timeout may have ended without any chance to send: the program was suspended, or earlier batches
    /// used it up. The attempt is the last one then.
    fn attempt(&self, head: Head) -> Attempt {
        let Head { batch, origin, newest } = head;
        let is_late = newest.is_some_and(|newest| Instant::now() >= self.deadline(newest));
        let (client, count) = (self.client.clone(), batch.count);
        let after = client.retry_timeout();
        let response: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(async move {
            // The timeout of the client applies between two reads, and a response might trickle forever.
            let (longest, too_late) = match is_late {
                true => (LATE_ATTEMPT, Error::RetryTimeout { after }),
                false => client.transport().longest_exchange(Endpoint::CreateMetrics),
            };
            timeout(longest, send_batch(&client, batch.key, batch.body)).await.unwrap_or(Err(too_late))
        });
        Attempt { response, count, origin, newest, is_late }
    }

    /// Returns when a batch is given up that waits in memory.
    fn deadline(&self, newest: Instant) -> Instant {
        retry::later(newest.max(self.queue.0.last_stored()), self.client.retry_timeout())
    }

    /// Acts on the result of an attempt: the batch is stored, sent again later, or lost.
    fn settle(&mut self, queue: &Queue, attempt: &Attempt, result: Result<BatchResult>) {
        let Attempt { origin, count, .. } = *attempt;
        let error = match result {
            Ok(result) => {
                self.finish(origin);
                self.failed = None;
                return queue.accepted(origin, count, rejection(result));
            }
            Err(error) => error,
        };
        let next_attempt = self.next_attempt(attempt, &error);
        queue.note_failure(Some(&error).filter(|error| next_attempt.is_some() || error.retryable()));
        match next_attempt {
            Some(at) => {
                self.resume = Some(at);
                self.outbox.keep_head();
            }
            None => {
                self.finish(origin);
                queue.lose(origin, count, &error);
            }
        }
        if self.failed.replace(error.status()) != Some(error.status()) {
            (self.on_failure.0)(&error);
        }
    }

    fn finish(&mut self, origin: Origin) {
        self.outbox.remove_head(origin);
        self.pauses = retry::pauses();
    }

    /// Returns when to send a batch again. `None` to give it up.
    ///
    /// The retry callback is not called: `flush`, `stats` and `on_loss` report.
    fn next_attempt(&mut self, attempt: &Attempt, error: &Error) -> Option<Instant> {
        let now = Instant::now();
        let retry_after = error.retry_after().unwrap_or_default();
        let Some(newest) = attempt.newest else {
            let pause = self.pauses.next().max(retry_after.min(LONGEST_PAUSE));
            return (!is_final(error)).then(|| now + pause);
        };
        let (deadline, earliest) = (self.deadline(newest), retry::later(now, retry_after));
        match () {
            () if attempt.is_late || !error.retryable() => None,
            () if now >= deadline => Some(now),
            // A `Retry-After` beyond the deadline does not cost the batch its last attempt.
            () => Some((now + self.pauses.next()).max(earliest).min(deadline)),
        }
    }
}

/// Returns whether a server will never store a batch that can wait for it.
///
/// A wrong token, a full disk or the page of a proxy are for people to correct, and the batch waits for that.
fn is_final(error: &Error) -> bool {
    match error.status() {
        Some(401 | 403 | 407 | 408 | 425 | 429) => false,
        Some(413 | 414 | 431) => true,
        Some(400..=499) => error.problem().is_some(),
        _ => matches!(error, Error::Invalid(_)),
    }
}

async fn response(attempt: &mut Option<Attempt>) -> Result<BatchResult> {
    match attempt {
        Some(attempt) => attempt.response.as_mut().await,
        None => std::future::pending().await,
    }
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// Reports lost metrics to `on_loss` until the logger ends: the first at once, others in groups.
async fn report_losses(client: Client, queue: Arc<Queue>) {
    while let Some((new, losses)) = queue.new_losses().await {
        if let Some(error) = &losses.last {
            client.report_loss(new, error);
        }
        queue.note_passed_on(losses.count);
        // The end of a logger waits for the report of its last losses.
        let _ = timeout(REPORT_INTERVAL, queue.closed()).await;
    }
}
