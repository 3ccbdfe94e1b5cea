//! The one thread that writes: it takes everything that waits, writes it in one transaction, and answers
//! after the commit.
//!
//! Each job runs in a savepoint, so that one that fails or panics takes back nothing but itself. Single metrics that
//! wait side by side are stored together, in one savepoint as long as all goes well: what they share (owner, series,
//! arrival numbers) is then read and written once. Whatever happens to the commit happens to every answer of the batch.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mlbench_core::storage::Recorded;
use mlbench_core::{Error, Result};
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::checkpoint::Checkpoints;
use super::failure::{Failure, closed, overloaded};
use super::metrics::{Outcome, Single, record_all};
use super::purge;
use super::statistics::Counters;

/// The most bytes of waiting work; beyond it callers wait, and after [`PATIENCE`] they are refused.
const ROOM_BYTES: usize = 32 << 20;
/// What a job is counted as at least: itself and its answer.
const JOB_BYTES: usize = 1 << 10;
/// How long a caller waits for room.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most jobs of one transaction, so that the first does not wait for thousands.
const BATCH: usize = 512;
/// A transaction that holds so many bytes of work takes no further job, so that small ones do not wait for many large
/// ones.
const BATCH_BYTES: usize = 2 << 20;

/// What waits.
struct Job {
    bytes: usize,
    work: Work,
}

enum Work {
    /// Runs in the transaction (or gets the reason why there is none) and gives back how its caller is to be answered.
    Alone(Box<dyn FnOnce(Result<&Connection>) -> Done + Send>),
    /// A metric, which is stored together with those that wait beside it.
    Metric(Box<Waiting>),
}

struct Waiting {
    single: Single,
    reply: Reply<Recorded>,
}

impl Waiting {
    fn done(self: Box<Self>, outcome: Result<Outcome>) -> Done {
        let Self { single, reply } = *self;
        let result = outcome.and_then(|outcome| outcome.of(single.metric));
        Done { failed: None, answer: Box::new(move |committed| reply.send(committed, result)) }
    }
}

/// The way back to a caller, and the room that its work takes until then.
struct Reply<T> {
    to: oneshot::Sender<Result<T>>,
    room: OwnedSemaphorePermit,
}

impl<T> Reply<T> {
    fn send(self, committed: Result<()>, result: Result<T>) {
        drop(self.room);
        // A caller that is gone does not want to know.
        let _ = self.to.send(committed.and(result));
    }
}

struct Done {
    failed: Option<Error>,
    answer: Box<dyn FnOnce(Result<()>) + Send>,
}

/// The way to the writer.
pub(super) struct Writer {
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    room: Arc<Semaphore>,
    purge_due: Arc<AtomicBool>,
    counters: Arc<Counters>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(mut connection: Connection) -> Result<Self> {
        let (jobs, waiting) = mpsc::channel();
        // What an earlier life of the server left unpurged is found at once.
        let purge_due = Arc::new(AtomicBool::new(true));
        let checkpoints =
            Checkpoints::watch(&mut connection).map_err(|error| Error::from(Failure::from(error)))?;
        let counters = Arc::new(Counters::new());
        let desk = Desk {
            connection,
            waiting,
            checkpoints,
            purge_due: Arc::clone(&purge_due),
            counters: Arc::clone(&counters),
        };
        let thread = std::thread::Builder::new().name("sqlite-writer".to_owned()).spawn(move || desk.serve());
        let thread =
            thread.map_err(|error| Error::internal(format_args!("no thread for the writer: {error}")))?;
        Ok(Self {
            jobs: Mutex::new(Some(jobs)),
            room: Arc::new(Semaphore::new(ROOM_BYTES / JOB_BYTES)),
            purge_due,
            counters,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Runs `work` in a transaction and answers when that is on disk. `bytes` is about what `work` holds in
    /// memory.
    pub(super) async fn write<T, F>(&self, bytes: usize, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let run = |reply: Reply<T>| {
            Work::Alone(Box::new(move |connection| {
                let result = connection.map_err(Failure::from).and_then(work).map_err(Error::from);
                let failed = result.as_ref().err().cloned();
                Done { failed, answer: Box::new(move |committed| reply.send(committed, result)) }
            }))
        };
        self.send(bytes, run).await
    }

    /// Stores a metric together with others that wait, and answers when it is on disk. It takes about `bytes` of memory.
    pub(super) async fn record(&self, bytes: usize, single: Single) -> Result<Recorded> {
        self.send(bytes, |reply| Work::Metric(Box::new(Waiting { single, reply }))).await
    }

    async fn send<T>(&self, bytes: usize, work: impl FnOnce(Reply<T>) -> Work) -> Result<T> {
        let units = (1 + bytes / JOB_BYTES).min(ROOM_BYTES / JOB_BYTES);
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        let room = tokio::time::timeout(PATIENCE, Arc::clone(&self.room).acquire_many_owned(units))
            .await
            .map_err(|_| overloaded("writes"))?
            .map_err(|_| closed())?;
        let (to, answer) = oneshot::channel();
        let job = Job { bytes, work: work(Reply { to, room }) };
        {
            let jobs = held(&self.jobs);
            let sender = jobs.as_ref().ok_or_else(closed)?;
            self.counters.queued();
            sender.send(job).map_err(|_| closed())?;
        }
        answer.await.map_err(|_| Error::internal("a write panicked"))?
    }

    /// What it counts.
    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What a job sets that leaves something to purge.
    pub(super) fn purge_due(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.purge_due)
    }

    /// Refuses later writes. The thread ends when everything before them is written and the connection is
    /// closed; what comes back waits for that, the first time.
    pub(super) fn stop(&self) -> impl FnOnce() + Send + 'static + use<> {
        self.room.close();
        drop(held(&self.jobs).take());
        let thread = held(&self.thread).take();
        move || {
            // The thread catches the panics of its jobs; of its own there is nothing left to rescue.
            drop(thread.map(JoinHandle::join));
        }
    }
}

fn held<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the thread works with.
struct Desk {
    connection: Connection,
    waiting: mpsc::Receiver<Job>,
    checkpoints: Checkpoints,
    purge_due: Arc<AtomicBool>,
    counters: Arc<Counters>,
}

impl Desk {
    fn serve(mut self) {
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

    fn write(&self, mut jobs: VecDeque<Job>) {
        self.counters.taken(jobs.len());
        while !jobs.is_empty() {
            let mut done = Vec::with_capacity(jobs.len());
            let begin = Instant::now();
            let committed =
                self.transaction(&mut jobs, &mut done).map_err(Error::from).inspect_err(|error| {
                    if !self.connection.is_autocommit() {
                        // When even this fails the next transaction says so.
                        let _ = self.run("ROLLBACK");
                    }
                    let cause = error.internal_text().unwrap_or(error.detail());
                    tracing::error!(cause, jobs = done.len(), "a transaction was lost");
                });
            if let (Err(error), true) = (&committed, done.is_empty()) {
                done.extend(jobs.drain(..).map(|job| match job.work {
                    Work::Alone(run) => run(Err(error.clone())),
                    Work::Metric(waiting) => waiting.done(Err(error.clone())),
                }));
            }
            if committed.is_ok() {
                self.counters.committed(done.len(), begin.elapsed());
            }
            for done in done {
                (done.answer)(committed.clone());
            }
        }
    }

    /// Takes jobs until there are none or the transaction is lost; those in `done` share its fate.
    fn transaction(&self, jobs: &mut VecDeque<Job>, done: &mut Vec<Done>) -> Result<(), Failure> {
        self.run("BEGIN IMMEDIATE")?;
        let mut metrics = Vec::new();
        while let Some(job) = jobs.pop_front() {
            match job.work {
                Work::Metric(waiting) => {
                    metrics.push(waiting);
                    if !matches!(jobs.front(), Some(Job { work: Work::Metric(_), .. })) {
                        self.metrics(std::mem::take(&mut metrics), done)?;
                    }
                }
                Work::Alone(run) => self.alone(run, done)?,
            }
        }
        Ok(self.run("COMMIT")?)
    }

    /// Runs one job in a savepoint.
    fn alone(
        &self,
        run: Box<dyn FnOnce(Result<&Connection>) -> Done + Send>,
        done: &mut Vec<Done>,
    ) -> Result<(), Failure> {
        self.run("SAVEPOINT job")?;
        // What unwinds out of a job is the job's alone: the savepoint takes back what it did, and its caller learns of
        // it because the reply is dropped.
        let ran = catch_unwind(AssertUnwindSafe(|| run(Ok(&self.connection)))).ok();
        let failed = match &ran {
            Some(done) => done.failed.clone(),
            None => Some(Error::internal("a write panicked")),
        };
        done.extend(ran);
        self.end_savepoint(failed)
    }

    /// Stores metrics in one savepoint; when that fails, each in its own.
    fn metrics(&self, waiting: Vec<Box<Waiting>>, done: &mut Vec<Done>) -> Result<(), Failure> {
        self.run("SAVEPOINT job")?;
        let singles: Vec<&Single> = waiting.iter().map(|waiting| &waiting.single).collect();
        let recorded = catch_unwind(AssertUnwindSafe(|| record_all(&self.connection, &singles)))
            .map_err(|_| Error::internal("storing a metric panicked"))
            .and_then(|recorded| recorded.map_err(Error::from));
        let error = match recorded {
            Ok(outcomes) => {
                let answered = waiting.into_iter().zip(outcomes);
                done.extend(answered.map(|(waiting, outcome)| waiting.done(Ok(outcome))));
                return self.end_savepoint(None);
            }
            Err(error) => error,
        };
        if waiting.len() > 1 && !self.connection.is_autocommit() {
            self.end_savepoint(Some(error))?;
            return waiting.into_iter().try_for_each(|waiting| self.metrics(vec![waiting], done));
        }
        done.extend(waiting.into_iter().map(|waiting| waiting.done(Err(error.clone()))));
        self.end_savepoint(Some(error))
    }

    fn end_savepoint(&self, failed: Option<Error>) -> Result<(), Failure> {
        if let Some(error) = failed {
            // After some errors of the disk SQLite takes the whole transaction back by itself.
            if self.connection.is_autocommit() {
                return Err(error.into());
            }
            self.run("ROLLBACK TO job")?;
        }
        Ok(self.run("RELEASE job")?)
    }

    fn run(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(|_| ())
    }
}
