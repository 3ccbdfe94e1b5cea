//! Jobs of the writer, and how their callers get the results.

use mlbench_core::storage::Recorded;
use mlbench_core::{Error, Result};
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::sqlite::error::StoreError;
use crate::sqlite::metrics::record::{MetricWrite, WriteOutcome};

/// Work in the queue of the writer.
pub(super) struct Job {
    /// Estimated memory of the work.
    pub(super) bytes: usize,
    pub(super) work: Work,
}

/// The work of a job in its transaction.
pub(super) enum Work {
    /// Any other statements.
    Exclusive(ExclusiveWork),
    /// Stores metrics together.
    Metrics(Vec<QueuedMetric>),
}

/// Runs in a transaction, or gets the error that prevented one.
pub(super) type ExclusiveWork = Box<dyn FnOnce(Result<&Connection>) -> Completion + Send>;

impl Work {
    /// Work that sends the result of `work` to the caller.
    pub(super) fn exclusive<T, F>(reply: Reply<T>, work: F) -> Self
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        Self::Exclusive(Box::new(move |connection| {
            let result = connection.map_err(StoreError::from).and_then(work).map_err(Error::from);
            let error = result.as_ref().err().cloned();
            Completion { error, send: Box::new(move |committed| reply.send(committed, result)) }
        }))
    }

    /// Work that stores one metric.
    pub(super) fn metric(reply: Reply<Recorded>, write: MetricWrite) -> Self {
        Self::Metrics(vec![QueuedMetric { write, reply }])
    }

    /// Completes the work without a transaction.
    pub(super) fn reject(self, error: &Error) -> Vec<Completion> {
        match self {
            Self::Exclusive(work) => vec![work(Err(error.clone()))],
            Self::Metrics(metrics) => {
                metrics.into_iter().map(|metric| metric.complete(Err(error.clone()))).collect()
            }
        }
    }
}

/// A metric to store, and its caller.
pub(super) struct QueuedMetric {
    pub(super) write: MetricWrite,
    reply: Reply<Recorded>,
}

impl QueuedMetric {
    pub(super) fn complete(self, outcome: Result<WriteOutcome>) -> Completion {
        let Self { write, reply } = self;
        let result = outcome.and_then(|outcome| outcome.into_recorded(write.metric));
        Completion { error: None, send: Box::new(move |committed| reply.send(committed, result)) }
    }
}

/// A job that ran and waits for the end of its transaction.
pub(super) struct Completion {
    /// The error of the job. Its changes are rolled back.
    pub(super) error: Option<Error>,
    /// Sends the result to the caller, or the error of the commit.
    pub(super) send: Box<dyn FnOnce(Result<()>) + Send>,
}

/// The way back to a caller. Holds the memory budget of the job until the result is sent.
pub(super) struct Reply<T> {
    pub(super) caller: oneshot::Sender<Result<T>>,
    pub(super) budget: OwnedSemaphorePermit,
}

impl<T> Reply<T> {
    fn send(self, committed: Result<()>, result: Result<T>) {
        drop(self.budget);
        // The caller may have gone away.
        let _ = self.caller.send(committed.and(result));
    }
}
