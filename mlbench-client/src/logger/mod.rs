//! [`MetricLogger`]: metrics leave in the background, the program that is measured goes on.

mod ledger;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream;
use mlbench_core::api::NewMetric;
use mlbench_core::{MetricName, MetricValue, Owner, Timestamp};
use serde::de::IgnoredAny;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::metrics::create;
use crate::{Client, Error, Result, clock, retry};
use ledger::Ledger;

/// How many metrics may wait to be sent.
const CAPACITY: usize = 10_000;
/// How many posts are under way at once: a server that commits in groups takes them together.
const IN_FLIGHT: usize = 16;

/// Records metrics of one owner without ever waiting for the server: a task in the background sends them.
///
/// Each metric is posted under one `Idempotency-Key`, again and again with growing pauses while the server is away,
/// overloaded or at fault: a restart of the server loses and doubles nothing. A metric is given up when nothing could be
/// stored for as long as [`give_up_after`](crate::ClientBuilder::give_up_after) says (60 s), or when the server refuses it for good. Several
/// posts are under way at once and may overtake each other; every metric bears its date.
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
            self.ledger.lose(number, error.clone());
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
    let (client, ledger) = (&client, &running.0);
    stream::poll_fn(|context| waiting.poll_recv(context))
        .for_each_concurrent(IN_FLIGHT, |queued| async move {
            match send(client, ledger, &queued).await {
                Ok(()) => ledger.store(queued.number),
                Err(error) => ledger.lose(queued.number, error),
            }
        })
        .await;
}

/// Sends one metric until it is stored or has to be given up.
async fn send(client: &Client, ledger: &Ledger, queued: &Queued) -> Result<()> {
    let patience = client.give_up_after();
    let deadline = || queued.recorded.max(ledger.last_stored()) + patience;
    if Instant::now() >= deadline() {
        // Behind many others that were in vain: another attempt for each of them would take for ever.
        return Err(Error::GivenUp { after: patience });
    }
    let call = create(&queued.metric)?;
    // Failures on the way are not told: there would be one for each post under way. `flush` reports what is lost.
    retry::until(deadline, |_, _| (), || client.transport().json::<IgnoredAny>(&call)).await.map(drop)
}
