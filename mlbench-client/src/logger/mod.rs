//! [`MetricLogger`]: metrics leave in the background, the program that is measured goes on.

mod ledger;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use mlbench_core::api::{BatchResult, NewMetric, RejectedPoint};
use mlbench_core::{MetricName, MetricValue, Owner, Timestamp};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::metrics::create_batch;
use crate::{Client, Error, Result, clock, retry};
use ledger::Ledger;

/// How many metrics may wait to be sent.
const CAPACITY: usize = 10_000;
/// The most metrics of one post: no more than an answer can tell of one by one.
const BATCH: usize = BatchResult::MAX_LISTED;
/// The most bytes of texts in one post, about.
const BATCH_BYTES: usize = 4 << 20;

/// Records metrics of one owner without ever waiting for the server: a task in the background sends them.
///
/// What waits is posted together, at once when nothing is under way, under one `Idempotency-Key`; again and again with
/// growing pauses while the server is away, overloaded or at fault: a restart of the server loses and doubles nothing.
/// A metric is given up when nothing could be stored for as long as [`give_up_after`](crate::ClientBuilder::give_up_after) says
/// (60 s), or when the server refuses it for good. They arrive in the order in which they were recorded.
///
/// Clones share one queue. **Call [`flush`](Self::flush) before the program ends**: what is still waiting when
/// its tokio runtime ends is lost. While the runtime goes on, what was recorded is sent even when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct MetricLogger {
    owner: Owner,
    ledger: Arc<Ledger>,
    queue: mpsc::Sender<Queued>,
}

#[derive(Debug)]
struct Queued {
    number: u64,
    recorded: Instant,
    metric: NewMetric,
}

impl MetricLogger {
    pub(crate) fn new(client: Client, owner: Owner) -> Self {
        let (queue, waiting) = mpsc::channel(CAPACITY);
        let ledger = Arc::new(Ledger::new());
        let running = Running(Arc::clone(&ledger));
        // Without a runtime `running` is dropped here, which marks the logger as stopped.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(send_all(client, running, waiting));
        }
        Self { owner, ledger, queue }
    }

    /// Records that `name` had `value` at `date`, or now; `metadata` is free text. Never waits.
    ///
    /// # Errors
    /// When the metric is not taken, which [`flush`](Self::flush) counts as lost: [`QueueFull`](Error::QueueFull),
    /// [`LoggerStopped`](Error::LoggerStopped), or [`Invalid`](Error::Invalid) for a name that is empty or longer than 512 bytes.
    pub fn record(
        &self,
        name: &str,
        value: impl Into<MetricValue>,
        date: Option<Timestamp>,
        metadata: &str,
    ) -> Result<()> {
        let number = self.ledger.open();
        let taken = self.enqueue(number, name, value.into(), date, metadata);
        if let Err(error) = &taken {
            self.ledger.lose(std::iter::once(number), error);
        }
        taken
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
        let queued = Queued { number, recorded: Instant::now(), metric };
        self.queue.try_send(queued).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => Error::QueueFull { capacity: CAPACITY },
            mpsc::error::TrySendError::Closed(_) => Error::LoggerStopped,
        })
    }

    /// Waits until everything that was recorded so far, through any clone, is stored or given up.
    ///
    /// # Errors
    /// [`MetricsLost`](Error::MetricsLost) with the number of those that are lost and were not reported before,
    /// and why the first of them is.
    pub async fn flush(&self) -> Result<()> {
        self.ledger.settled().await
    }
}

/// Held by the task; however that ends, whoever flushes learns of it.
struct Running(Arc<Ledger>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.stop();
    }
}

async fn send_all(client: Client, running: Running, mut waiting: mpsc::Receiver<Queued>) {
    let ledger = &running.0;
    while let Some(first) = waiting.recv().await {
        let batch = gather(first, &mut waiting);
        let numbers = batch.iter().map(|queued| queued.number);
        match send(&client, ledger, &batch).await {
            Ok(answer) => {
                let mut refused = answer.rejected.into_iter().peekable();
                ledger.taken((0..).zip(numbers).map(|(index, number)| {
                    let refusal = refused.next_if(|refused| refused.index == index).map(rejected);
                    (number, refusal)
                }));
            }
            Err(error) => ledger.lose(numbers, &error),
        }
    }
}

fn rejected(point: RejectedPoint) -> Error {
    Error::Rejected { code: point.code, message: point.message }
}

/// What waits, as much of it as makes one post.
fn gather(first: Queued, waiting: &mut mpsc::Receiver<Queued>) -> Vec<Queued> {
    let size = |queued: &Queued| {
        let NewMetric { name, value, metadata, .. } = &queued.metric;
        name.as_str().len() + value.as_str().len() + metadata.len()
    };
    let mut bytes = size(&first);
    let mut batch = vec![first];
    while batch.len() < BATCH && bytes < BATCH_BYTES {
        let Ok(next) = waiting.try_recv() else { break };
        bytes += size(&next);
        batch.push(next);
    }
    batch
}

/// Sends metrics until they are stored or have to be given up.
async fn send(client: &Client, ledger: &Ledger, batch: &[Queued]) -> Result<BatchResult> {
    let patience = client.give_up_after();
    let newest = batch.last().map_or_else(Instant::now, |queued| queued.recorded);
    let deadline = || newest.max(ledger.last_stored()) + patience;
    if Instant::now() >= deadline() {
        // Behind many others that were in vain: another attempt for each of them would take for ever.
        return Err(Error::GivenUp { after: patience });
    }
    let metrics: Vec<&NewMetric> = batch.iter().map(|queued| &queued.metric).collect();
    let call = create_batch(&metrics)?;
    // Failures on the way are not told; `flush` reports what is lost.
    retry::until(deadline, |_, _| (), || client.transport().json(&call)).await
}
