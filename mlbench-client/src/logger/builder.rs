//! [`MetricLoggerBuilder`]: the settings of a logger.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use mlbench_core::Owner;

use super::metric_logger::MetricLogger;
use super::outbox::Outbox;
use super::queue::Queue;
use super::spool::Spool;
use super::worker::{FailureCallback, Worker};
use crate::client::Client;
use crate::error::{Error, Result};

/// Default limit of a spool, in bytes.
const SPOOL_LIMIT: u64 = 64 << 20;

/// Sets up a [`MetricLogger`]. See [`MetricLogger::builder`].
#[derive(Debug, Clone)]
#[must_use]
pub struct MetricLoggerBuilder {
    client: Client,
    owner: Owner,
    spool: Option<PathBuf>,
    spool_limit: u64,
    spool_server: Option<String>,
    on_failure: FailureCallback,
}

impl MetricLogger {
    /// Returns the settings of a logger that records metrics of `owner`.
    ///
    /// ```
    /// use mlbench_client::{MetricLogger, Owner};
    ///
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// # let directory = tempfile::tempdir()?;
    /// # let directory = directory.path();
    /// let logger = MetricLogger::builder(&client, Owner::Run(run)).spool(directory).start()?;
    /// # }) }
    /// ```
    pub fn builder(client: &Client, owner: Owner) -> MetricLoggerBuilder {
        MetricLoggerBuilder {
            client: client.clone(),
            owner,
            spool: None,
            spool_limit: SPOOL_LIMIT,
            spool_server: None,
            on_failure: FailureCallback(Arc::new(|error| {
                tracing::warn!(%error, "the server does not take metrics");
            })),
        }
    }
}

impl MetricLoggerBuilder {
    /// Lets metrics wait for the server in a directory, which is created if it does not exist.
    ///
    /// The logger first sends what an earlier one left there. A directory belongs to one logger at a time and to one
    /// server.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::{MetricLogger, Owner};
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let directory = directory.path();
    /// let builder = MetricLogger::builder(&client, Owner::Run(run)).spool(directory);
    /// let logger = builder.start()?;
    /// # }) }
    /// ```
    pub fn spool(mut self, directory: impl Into<PathBuf>) -> Self {
        self.spool = Some(directory.into());
        self
    }

    /// Sets how many bytes the spool takes on disk, at least 64 KiB. Default: 64 MiB.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::{MetricLogger, Owner};
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let directory = directory.path();
    /// let builder = MetricLogger::builder(&client, Owner::Run(run)).spool(directory);
    /// let logger = builder.spool_limit(256 << 20).start()?;
    /// # }) }
    /// ```
    pub const fn spool_limit(mut self, bytes: u64) -> Self {
        self.spool_limit = bytes;
        self
    }

    /// Sets the name of the server that the spool belongs to. Default: the URL of the client.
    ///
    /// Give it where one server has a new URL at every start, as through a port forward.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::{MetricLogger, Owner};
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let directory = directory.path();
    /// let builder = MetricLogger::builder(&client, Owner::Run(run)).spool(directory);
    /// let logger = builder.spool_server("the server of our group").start()?;
    /// # }) }
    /// ```
    pub fn spool_server(mut self, name: impl Into<String>) -> Self {
        self.spool_server = Some(name.into());
        self
    }

    /// Sets a callback for when the server stops to take metrics, because it is away or refuses them.
    ///
    /// It receives the reason, once until the server takes metrics again or fails with another status. So a wrong token
    /// is known at once, although metrics can wait in a spool for a right one. Default: a warning through `tracing`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::{MetricLogger, Owner};
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let directory = directory.path();
    /// let builder = MetricLogger::builder(&client, Owner::Run(run)).spool(directory);
    /// let logger = builder.on_failure(|error| eprintln!("metrics wait: {error}")).start()?;
    /// # }) }
    /// ```
    pub fn on_failure(mut self, callback: impl Fn(&Error) + Send + Sync + 'static) -> Self {
        self.on_failure = FailureCallback(Arc::new(callback));
        self
    }

    /// Starts the logger.
    ///
    /// What is damaged in the spool is counted as lost, with its place, and the rest is sent.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::{MetricLogger, Owner};
    ///
    /// let logger = MetricLogger::builder(&client, Owner::Run(run)).start()?;
    /// logger.log("loss", 0.5).step(1);
    /// logger.flush().await?;
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// [`Spool`](crate::Error::Spool) if the spool cannot be used, is in use, or holds metrics for another server.
    /// Without a spool, never.
    pub fn start(self) -> Result<MetricLogger> {
        let server = self.spool_server.as_deref().unwrap_or_else(|| self.client.base_url());
        let spool = self.spool.as_ref().map(|directory| Spool::open(directory, self.spool_limit, server));
        let spool = spool.transpose()?;
        Ok(self.launch(spool, start_thread))
    }

    /// Starts the logger in the runtime of a test, whose clock can jump.
    #[cfg(test)]
    pub(super) fn start_here(self) -> MetricLogger {
        self.launch(None, |worker| drop(tokio::spawn(worker.run())))
    }

    /// Returns a logger whose worker runs where `start` puts it.
    fn launch(self, spool: Option<Spool>, start: impl FnOnce(Worker)) -> MetricLogger {
        let Self { client, owner, on_failure, .. } = self;
        let directory = spool.as_ref().map(|spool| spool.directory().to_owned());
        let queue = Arc::new(Queue::new(directory, spool.as_ref().map_or(0, Spool::count)));
        if let Some((count, error)) = spool.as_ref().and_then(Spool::damage) {
            queue.lose_unqueued(count, &error);
        }
        let (retry_timeout, is_patient) = (client.retry_timeout(), spool.is_some());
        start(Worker::new(client, Arc::clone(&queue), Outbox::new(owner, spool), on_failure));
        MetricLogger::new(queue, retry_timeout, is_patient)
    }
}

/// Runs a worker on a thread of its own.
///
/// If no thread can start, the worker is dropped, which marks the logger as stopped.
fn start_thread(worker: Worker) {
    let _ = thread::Builder::new().name("mlbench-metrics".to_owned()).spawn(|| worker.run_blocking());
}

impl Client {
    /// Returns a logger that records metrics of `owner` on a thread of its own, without a spool.
    ///
    /// [`MetricLogger::builder`] has the other settings.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::Owner;
    ///
    /// let logger = client.metric_logger(Owner::Run(run));
    /// logger.log("loss", 0.5).step(1);
    /// logger.flush().await?;
    /// # }) }
    /// ```
    #[must_use]
    pub fn metric_logger(&self, owner: Owner) -> MetricLogger {
        MetricLogger::builder(self, owner).launch(None, start_thread)
    }
}
