//! [`MetricLoggerBuilder`]: the settings of a logger.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use mlbench_core::Owner;

use super::metric_logger::MetricLogger;
use super::outbox::Outbox;
use super::queue::Queue;
use super::spool::Spool;
use super::worker::Worker;
use crate::client::Client;
use crate::error::Result;

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
}

impl MetricLogger {
    /// Returns the settings of a logger that records metrics of `owner`.
    ///
    /// ```no_run
    /// use mlbench_client::{Client, MetricLogger, Owner, RunId};
    ///
    /// # fn example(client: Client, run: RunId) -> mlbench_client::Result<()> {
    /// let logger = MetricLogger::builder(&client, Owner::Run(run)).spool("spool/rank-0").start()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(client: &Client, owner: Owner) -> MetricLoggerBuilder {
        let client = client.clone();
        MetricLoggerBuilder { client, owner, spool: None, spool_limit: SPOOL_LIMIT, spool_server: None }
    }
}

impl MetricLoggerBuilder {
    /// Lets metrics wait for the server in a directory, which is created if it does not exist.
    ///
    /// The logger first sends what an earlier one left there. A directory belongs to one logger at a time and to one
    /// server.
    pub fn spool(mut self, directory: impl Into<PathBuf>) -> Self {
        self.spool = Some(directory.into());
        self
    }

    /// Sets how many bytes the spool takes on disk, at least 64 KiB. Default: 64 MiB.
    pub const fn spool_limit(mut self, bytes: u64) -> Self {
        self.spool_limit = bytes;
        self
    }

    /// Sets the name of the server that the spool belongs to. Default: the URL of the client.
    ///
    /// Give it where one server has a new URL at every start, as through a port forward.
    pub fn spool_server(mut self, name: impl Into<String>) -> Self {
        self.spool_server = Some(name.into());
        self
    }

    /// Starts the logger.
    ///
    /// # Errors
    /// [`Spool`](crate::Error::Spool) if the spool cannot be used, is in use, or holds metrics for another server.
    /// Without a spool, never.
    pub fn start(self) -> Result<MetricLogger> {
        let server = self.spool_server.as_deref().unwrap_or_else(|| self.client.base_url());
        let spool = self.spool.as_ref().map(|directory| Spool::open(directory, self.spool_limit, server));
        let spool = spool.transpose()?;
        Ok(launch(self.client, self.owner, spool, start_thread))
    }

    /// Starts the logger in the runtime of a test, whose clock can jump.
    #[cfg(test)]
    pub(super) fn start_here(self) -> MetricLogger {
        launch(self.client, self.owner, None, |worker| drop(tokio::spawn(worker.run())))
    }
}

/// Runs a worker on a thread of its own.
///
/// If no thread can start, the worker is dropped, which marks the logger as stopped.
fn start_thread(worker: Worker) {
    let _ = thread::Builder::new().name("mlbench-metrics".to_owned()).spawn(|| worker.run_blocking());
}

/// Returns a logger whose worker runs where `start` puts it.
pub(super) fn launch(
    client: Client,
    owner: Owner,
    spool: Option<Spool>,
    start: impl FnOnce(Worker),
) -> MetricLogger {
    let directory = spool.as_ref().map(|spool| spool.directory().to_owned());
    let queue = Arc::new(Queue::new(directory, spool.as_ref().map_or(0, Spool::count)));
    let (retry_timeout, is_patient) = (client.retry_timeout(), spool.is_some());
    start(Worker::new(client, Arc::clone(&queue), Outbox::new(owner, spool)));
    MetricLogger::new(queue, retry_timeout, is_patient)
}

impl Client {
    /// Returns a logger that records metrics of `owner` on a thread of its own, without a spool.
    ///
    /// [`MetricLogger::builder`] has the other settings.
    #[must_use]
    pub fn metric_logger(&self, owner: Owner) -> MetricLogger {
        launch(self.clone(), owner, None, start_thread)
    }
}
