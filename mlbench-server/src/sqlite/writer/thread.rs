//! The writer thread: groups queued jobs into one transaction and completes each job after the commit.
//!
//! Jobs that share a transaction run in a savepoint each, so a job that fails or panics loses only its own changes. A job
//! that has a transaction to itself needs no savepoint, which saves SQLite the journal of its changes. Consecutive single
//! metrics are coalesced into one job, so that their common owner, series and arrival numbers are read and written once.
//! If that job fails, each metric is stored by itself. All jobs of a transaction share the result of the commit.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Instant;

use mlbench_core::metric::Metric;
use mlbench_core::{Error, ErrorCode};
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use tokio::sync::Notify;

use super::health::WriterHealth;
use super::job::{Completion, ExclusiveWork, Job, QueuedMetric, Work};
use super::stats::WriterStats;
use crate::panics;
use crate::repeats::Repeats;
use crate::sqlite::connection::checkpoint::Checkpointer;
use crate::sqlite::connection::files::OpenFiles;
use crate::sqlite::error::{StoreError, failed};
use crate::sqlite::metrics::recent::Arrivals;
use crate::sqlite::metrics::record::{MetricWrite, WriteOutcome, record_all};
use crate::sqlite::runs::{goal, purge};
use crate::vitals::Vitals;

/// The most jobs of one transaction. It bounds how long the first of them waits for the commit.
const MAX_JOBS: usize = 512;
/// Bytes after which a transaction takes no more jobs, so that small jobs do not wait for large ones.
const MAX_BYTES: usize = 2 << 20;

/// Number of panics outside jobs, without a transaction in between, after which the thread gives up.
const MAX_PANICS: u32 = 5;

/// How much is rolled back when a job fails.
#[derive(Debug, Clone, Copy)]
enum Rollback {
    /// The savepoint of the job, one of several in the transaction.
    Savepoint,
    /// The transaction, which has no other job.
    Transaction,
}

/// Merges consecutive metrics into one part. Preserves their order.
fn coalesce(jobs: VecDeque<Job>) -> VecDeque<Work> {
    let mut parts = VecDeque::new();
    for Job { work, .. } in jobs {
        match (parts.back_mut(), work) {
            (Some(Work::Metrics(before)), Work::Metrics(mut next)) => before.append(&mut next),
            (_, work) => parts.push_back(work),
        }
    }
    parts
}

/// State of the writer thread.
pub(super) struct WriterThread {
    pub(super) connection: Connection,
    pub(super) files: OpenFiles,
    pub(super) queue: mpsc::Receiver<Job>,
    pub(super) checkpointer: Checkpointer,
    pub(super) arrivals: Arc<Arrivals>,
    pub(super) purge_due: Arc<AtomicBool>,
    pub(super) stats: Arc<WriterStats>,
    pub(super) health: Arc<WriterHealth>,
    pub(super) commits: Arc<Notify>,
    pub(super) vitals: Vitals,
    /// Why a job of the current transaction could not be written.
    pub(super) disk_failure: RefCell<Option<Error>>,
    pub(super) failures: Repeats,
}

impl WriterThread {
    /// Works until the queue is closed and empty, also after a panic.
    pub(super) fn run(mut self) {
        let mut panics = 0;
        while let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.work(&mut panics))) {
            panics += 1;
            let reason = format!("panicked: {}", panics::text(&*panic));
            tracing::error!(reason, "the writer of the database failed; continuing");
            self.roll_back();
            if panics == MAX_PANICS {
                self.health.ended(Err(failed()), Instant::now());
                self.vitals.report("writer of the database", &reason);
                break;
            }
        }
        self.leave_foreign_log();
    }

    /// Keeps the connection from deleting a write-ahead log of another program when it closes.
    fn leave_foreign_log(&self) {
        if self.files.is_log_foreign() {
            // SQLite would delete it by its name.
            let kept = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
            tracing::warn!(
                ok = kept.is_ok(),
                "the write-ahead log is that of another program; leaving it alone"
            );
        }
    }

    fn work(&mut self, panics: &mut u32) {
        let mut purge_failed = false;
        loop {
            let purging = self.purge_due.load(Ordering::Acquire) && !purge_failed;
            let Some(jobs) = self.next_jobs(purging) else { break };
            if !jobs.is_empty() {
                self.write(jobs);
                (purge_failed, *panics) = (false, 0);
            }
            self.health.begun(Instant::now());
            if self.purge_due.swap(false, Ordering::AcqRel) {
                match purge::step(&mut self.connection, &self.arrivals.recent) {
                    Ok(more) => self.purge_due.store(more, Ordering::Release),
                    Err(error) => {
                        tracing::warn!(%error, "cannot purge deleted runs; retrying after the next write");
                        self.purge_due.store(true, Ordering::Release);
                        purge_failed = true;
                    }
                }
            }
            self.checkpointer.after_commit(&self.connection);
        }
    }

    /// Takes the jobs of the next transaction. Returns `None` when the queue is closed and empty.
    ///
    /// Waits for the first job unless the thread is `busy` with a purge, when it may return no jobs.
    fn next_jobs(&self, busy: bool) -> Option<VecDeque<Job>> {
        let first = if busy {
            match self.queue.try_recv() {
                Ok(job) => job,
                Err(mpsc::TryRecvError::Empty) => return Some(VecDeque::new()),
                Err(mpsc::TryRecvError::Disconnected) => return None,
            }
        } else {
            self.health.idle();
            self.queue.recv().inspect(|_| self.health.begun(Instant::now())).ok()?
        };
        let mut bytes = first.bytes;
        let mut jobs = VecDeque::from([first]);
        while jobs.len() < MAX_JOBS && bytes < MAX_BYTES {
            let Ok(next) = self.queue.try_recv() else { break };
            bytes = bytes.saturating_add(next.bytes);
            jobs.push_back(next);
        }
        Some(jobs)
    }

    fn write(&self, jobs: VecDeque<Job>) {
        self.stats.dequeued(jobs.len());
        let mut parts = coalesce(jobs);
        while !parts.is_empty() {
            let mut completions = Vec::new();
            let begin = Instant::now();
            self.health.begun(begin);
            let committed =
                self.transaction(&mut parts, &mut completions).map_err(Error::from).inspect_err(|error| {
                    self.roll_back();
                    let cause = error.internal_text().unwrap_or(error.detail());
                    if self.failures.is_news(cause) {
                        tracing::error!(cause, jobs = completions.len(), "transaction failed");
                    }
                });
            self.arrivals.unsealed.transaction_ended();
            if let (Err(error), true) = (&committed, completions.is_empty()) {
                completions.extend(parts.drain(..).flat_map(|work| work.reject(error)));
            }
            let written = self.disk_failure.take().map_or_else(|| committed.clone(), Err);
            self.health.ended(written, Instant::now());
            if committed.is_ok() {
                self.stats.committed(completions.len(), begin.elapsed());
            }
            for completion in completions {
                (completion.send)(committed.clone());
            }
            // The callers do not wait for those who follow the changes.
            self.commits.notify_one();
        }
    }

    /// Runs parts until none are left or the transaction is lost. All `completions` share its result.
    fn transaction(
        &self,
        parts: &mut VecDeque<Work>,
        completions: &mut Vec<Completion>,
    ) -> Result<(), StoreError> {
        let rollback = if parts.len() > 1 { Rollback::Savepoint } else { Rollback::Transaction };
        self.files.check()?;
        self.execute("BEGIN IMMEDIATE")?;
        while let Some(work) = parts.pop_front() {
            match work {
                Work::Exclusive(work) => self.exclusive(work, rollback, completions)?,
                Work::Metrics(metrics) => self.metrics(metrics, rollback, completions)?,
            }
        }
        Ok(self.execute("COMMIT")?)
    }

    fn exclusive(
        &self,
        work: ExclusiveWork,
        rollback: Rollback,
        completions: &mut Vec<Completion>,
    ) -> Result<(), StoreError> {
        self.begin(rollback)?;
        // A panic costs only this job: its changes are rolled back, and its caller sees that the reply was dropped.
        let ran = catch_unwind(AssertUnwindSafe(|| work(Ok(&self.connection)))).ok();
        let error = match &ran {
            Some(completion) => completion.error.clone(),
            None => Some(Error::internal("a write panicked")),
        };
        completions.extend(ran);
        self.end(rollback, error.as_ref())
    }

    /// Stores metrics together. If that fails, stores each by itself.
    fn metrics(
        &self,
        metrics: Vec<QueuedMetric>,
        rollback: Rollback,
        completions: &mut Vec<Completion>,
    ) -> Result<(), StoreError> {
        self.begin(rollback)?;
        let writes: Vec<&MetricWrite> = metrics.iter().map(|metric| &metric.write).collect();
        let recorded = catch_unwind(AssertUnwindSafe(|| self.record(&writes)))
            .map_err(|_| Error::internal("storing a metric panicked"))
            .and_then(|recorded| recorded.map_err(Error::from));
        let error = match recorded {
            Ok(outcomes) => {
                let recorded = metrics.into_iter().zip(outcomes);
                completions.extend(recorded.map(|(metric, outcome)| metric.complete(Ok(outcome))));
                return self.end(rollback, None);
            }
            Err(error) => error,
        };
        if metrics.len() > 1 && !self.connection.is_autocommit() {
            self.end(rollback, Some(&error))?;
            let mut each = metrics.into_iter();
            return each.try_for_each(|metric| self.metrics(vec![metric], Rollback::Savepoint, completions));
        }
        completions.extend(metrics.into_iter().map(|metric| metric.complete(Err(error.clone()))));
        self.end(rollback, Some(&error))
    }

    fn record(&self, writes: &[&MetricWrite]) -> Result<Vec<WriteOutcome>, StoreError> {
        let outcomes = record_all(&self.connection, &self.arrivals, writes)?;
        let stored =
            writes.iter().zip(&outcomes).filter(|(_, outcome)| matches!(outcome, WriteOutcome::Stored));
        let metrics: Vec<&Metric> = stored.map(|(write, _)| &write.metric).collect();
        if let Some(last) = writes.last() {
            goal::check_metrics(&self.connection, &metrics, last.now)?;
        }
        Ok(outcomes)
    }

    fn begin(&self, rollback: Rollback) -> Result<(), StoreError> {
        match rollback {
            Rollback::Savepoint => Ok(self.execute("SAVEPOINT job")?),
            Rollback::Transaction => Ok(()),
        }
    }

    /// Ends a job: rolls back its changes if it failed, and leaves a transaction open.
    fn end(&self, rollback: Rollback, error: Option<&Error>) -> Result<(), StoreError> {
        if let Some(error) = error.filter(|error| error.code() == ErrorCode::Unavailable) {
            self.disk_failure.replace(Some(error.clone()));
        }
        // After some disk errors SQLite has already rolled back the whole transaction.
        if let (Some(error), true) = (error, self.connection.is_autocommit()) {
            return Err(error.clone().into());
        }
        match rollback {
            Rollback::Savepoint => {
                if error.is_some() {
                    self.execute("ROLLBACK TO job")?;
                }
                self.execute("RELEASE job")?;
            }
            Rollback::Transaction => {
                if error.is_some() {
                    self.execute("ROLLBACK")?;
                    self.execute("BEGIN IMMEDIATE")?;
                }
            }
        }
        Ok(())
    }

    fn roll_back(&self) {
        if !self.connection.is_autocommit() {
            // If this fails too, the next transaction reports it.
            let _ = self.execute("ROLLBACK");
        }
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(|_| ())
    }
}
