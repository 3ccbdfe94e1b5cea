//! The thread itself: what it takes into a transaction, and what becomes of the parts of that.
//!
//! Jobs that share a transaction run in a savepoint each, so that one that fails or panics takes back nothing but itself;
//! one that has a transaction to itself needs none, which saves SQLite the journal of what it changes. MetricWrite metrics
//! that wait side by side are one job as long as all goes well: what they share (owner, series, arrival numbers) is then
//! read and written once. Whatever happens to the commit happens to every answer of the batch.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Instant;

use mlbench_core::Error;
use rusqlite::Connection;

use super::{Completion, Job, Run, Waiting, Work};
use crate::sqlite::connection::checkpoint::Checkpoints;
use crate::sqlite::error::StoreError;
use crate::sqlite::metrics::record::{MetricWrite, record_all};
use crate::sqlite::runs::purge;
use crate::sqlite::stats::Counters;

/// The most jobs of one transaction, so that the first does not wait for thousands.
const BATCH: usize = 512;
/// A transaction that holds so many bytes of work takes no further job, so that small ones do not wait for many large
/// ones.
const BATCH_BYTES: usize = 2 << 20;

/// What is taken back of a transaction when something in it fails.
#[derive(Debug, Clone, Copy)]
enum Scope {
    /// One of several parts.
    Savepoint,
    /// Its only part, so all of it.
    Transaction,
}

/// The work in its order, metrics that stand side by side as one.
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

/// What the thread works with.
pub(crate) struct WriterThread {
    pub(crate) connection: Connection,
    pub(crate) waiting: mpsc::Receiver<Job>,
    pub(crate) checkpoints: Checkpoints,
    pub(crate) purge_due: Arc<AtomicBool>,
    pub(crate) counters: Arc<Counters>,
}

impl WriterThread {
    /// Works until there are no callers left.
    pub(crate) fn serve(mut self) {
        let mut purge_failed = false;
        loop {
            let purging = self.purge_due.load(Ordering::Acquire) && !purge_failed;
            let Some(batch) = self.next_batch(purging) else { break };
            if !batch.is_empty() {
                self.write(batch);
                purge_failed = false;
            }
            if self.purge_due.swap(false, Ordering::AcqRel) {
                match purge::step(&mut self.connection) {
                    Ok(left) => self.purge_due.store(left, Ordering::Release),
                    Err(error) => {
                        tracing::warn!(%error, "deleted runs could not be purged; trying again later");
                        self.purge_due.store(true, Ordering::Release);
                        purge_failed = true;
                    }
                }
            }
            self.checkpoints.after_commit(&self.connection);
        }
    }

    /// What waits, in order; empty when nothing does and there is something else to do; `None` at the end.
    fn next_batch(&self, busy_otherwise: bool) -> Option<VecDeque<Job>> {
        let first = if busy_otherwise {
            match self.waiting.try_recv() {
                Ok(job) => job,
                Err(mpsc::TryRecvError::Empty) => return Some(VecDeque::new()),
                Err(mpsc::TryRecvError::Disconnected) => return None,
            }
        } else {
            self.waiting.recv().ok()?
        };
        let mut bytes = first.bytes;
        let mut batch = VecDeque::from([first]);
        while batch.len() < BATCH && bytes < BATCH_BYTES {
            let Ok(next) = self.waiting.try_recv() else { break };
            bytes = bytes.saturating_add(next.bytes);
            batch.push_back(next);
        }
        Some(batch)
    }

    fn write(&self, jobs: VecDeque<Job>) {
        self.counters.taken(jobs.len());
        let mut parts = coalesce(jobs);
        while !parts.is_empty() {
            let mut done = Vec::new();
            let begin = Instant::now();
            let committed =
                self.transaction(&mut parts, &mut done).map_err(Error::from).inspect_err(|error| {
                    if !self.connection.is_autocommit() {
                        // When even this fails the next transaction says so.
                        let _ = self.run("ROLLBACK");
                    }
                    let cause = error.internal_text().unwrap_or(error.detail());
                    tracing::error!(cause, jobs = done.len(), "a transaction was lost");
                });
            if let (Err(error), true) = (&committed, done.is_empty()) {
                done.extend(parts.drain(..).flat_map(|work| work.refuse(error)));
            }
            if committed.is_ok() {
                self.counters.committed(done.len(), begin.elapsed());
            }
            for done in done {
                (done.answer)(committed.clone());
            }
        }
    }

    /// Takes work until there is none or the transaction is lost; what is in `done` shares its fate.
    fn transaction(&self, parts: &mut VecDeque<Work>, done: &mut Vec<Completion>) -> Result<(), StoreError> {
        let scope = if parts.len() > 1 { Scope::Savepoint } else { Scope::Transaction };
        self.run("BEGIN IMMEDIATE")?;
        while let Some(work) = parts.pop_front() {
            match work {
                Work::Exclusive(run) => self.exclusive(run, scope, done)?,
                Work::Metrics(waiting) => self.metrics(waiting, scope, done)?,
            }
        }
        Ok(self.run("COMMIT")?)
    }

    fn exclusive(&self, run: Run, scope: Scope, done: &mut Vec<Completion>) -> Result<(), StoreError> {
        self.enter(scope)?;
        // What unwinds out of a job is the job's alone: what it did is taken back, and its caller learns of it because
        // the reply is dropped.
        let ran = catch_unwind(AssertUnwindSafe(|| run(Ok(&self.connection)))).ok();
        let failed = match &ran {
            Some(done) => done.failed.clone(),
            None => Some(Error::internal("a write panicked")),
        };
        done.extend(ran);
        self.leave(scope, failed.as_ref())
    }

    /// Stores metrics together; when that fails, each by itself.
    fn metrics(
        &self,
        waiting: Vec<Waiting>,
        scope: Scope,
        done: &mut Vec<Completion>,
    ) -> Result<(), StoreError> {
        self.enter(scope)?;
        let singles: Vec<&MetricWrite> = waiting.iter().map(|waiting| &waiting.single).collect();
        let recorded = catch_unwind(AssertUnwindSafe(|| record_all(&self.connection, &singles)))
            .map_err(|_| Error::internal("storing a metric panicked"))
            .and_then(|recorded| recorded.map_err(Error::from));
        let error = match recorded {
            Ok(outcomes) => {
                let answered = waiting.into_iter().zip(outcomes);
                done.extend(answered.map(|(waiting, outcome)| waiting.done(Ok(outcome))));
                return self.leave(scope, None);
            }
            Err(error) => error,
        };
        if waiting.len() > 1 && !self.connection.is_autocommit() {
            self.leave(scope, Some(&error))?;
            let mut each = waiting.into_iter();
            return each.try_for_each(|waiting| self.metrics(vec![waiting], Scope::Savepoint, done));
        }
        done.extend(waiting.into_iter().map(|waiting| waiting.done(Err(error.clone()))));
        self.leave(scope, Some(&error))
    }

    fn enter(&self, scope: Scope) -> Result<(), StoreError> {
        match scope {
            Scope::Savepoint => Ok(self.run("SAVEPOINT job")?),
            Scope::Transaction => Ok(()),
        }
    }

    /// Takes back what was done since [`WriterThread::enter`] if that failed; the transaction goes on.
    fn leave(&self, scope: Scope, failed: Option<&Error>) -> Result<(), StoreError> {
        // After some errors of the disk SQLite takes the whole transaction back by itself.
        if let (Some(error), true) = (failed, self.connection.is_autocommit()) {
            return Err(error.clone().into());
        }
        match scope {
            Scope::Savepoint => {
                if failed.is_some() {
                    self.run("ROLLBACK TO job")?;
                }
                self.run("RELEASE job")?;
            }
            Scope::Transaction => {
                if failed.is_some() {
                    self.run("ROLLBACK")?;
                    self.run("BEGIN IMMEDIATE")?;
                }
            }
        }
        Ok(())
    }

    fn run(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(|_| ())
    }
}
