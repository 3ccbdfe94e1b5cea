//! The one thread that writes: it takes everything that waits, writes it in one transaction, and answers
//! after the commit.

mod thread;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use mlbench_core::storage::Recorded;
use mlbench_core::{Error, Result};
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::sqlite::connection::checkpoint::Checkpoints;
use crate::sqlite::error::{StoreError, closed, overloaded};
use crate::sqlite::metrics::record::{MetricWrite, Outcome};
use crate::sqlite::stats::Counters;
use thread::WriterThread;

/// The most bytes of waiting work; beyond it callers wait, and after [`PATIENCE`] they are refused.
const ROOM_BYTES: usize = 32 << 20;
/// What a job is counted as at least: itself and its answer.
const JOB_BYTES: usize = 1 << 10;
/// How long a caller waits for room.
const PATIENCE: Duration = Duration::from_secs(5);

/// What waits.
struct Job {
    bytes: usize,
    work: Work,
}

enum Work {
    /// Runs in the transaction (or gets the reason why there is none) and gives back how its caller is to be answered.
    Exclusive(Run),
    /// Metrics that are stored together.
    Metrics(Vec<Waiting>),
}

impl Work {
    /// How its callers are answered when there is no transaction for it.
    fn refuse(self, error: &Error) -> Vec<Completion> {
        match self {
            Self::Exclusive(run) => vec![run(Err(error.clone()))],
            Self::Metrics(waiting) => {
                waiting.into_iter().map(|waiting| waiting.done(Err(error.clone()))).collect()
            }
        }
    }
}

type Run = Box<dyn FnOnce(Result<&Connection>) -> Completion + Send>;

struct Waiting {
    single: MetricWrite,
    reply: Reply<Recorded>,
}

impl Waiting {
    fn done(self, outcome: Result<Outcome>) -> Completion {
        let Self { single, reply } = self;
        let result = outcome.and_then(|outcome| outcome.of(single.metric));
        Completion { failed: None, answer: Box::new(move |committed| reply.send(committed, result)) }
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

struct Completion {
    failed: Option<Error>,
    answer: Box<dyn FnOnce(Result<()>) + Send>,
}

/// The way to the writer.
pub(crate) struct Writer {
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    room: Arc<Semaphore>,
    purge_due: Arc<AtomicBool>,
    counters: Arc<Counters>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(mut connection: Connection) -> Result<Self> {
        let (jobs, waiting) = mpsc::channel();
        // What an earlier life of the server left unpurged is found at once.
        let purge_due = Arc::new(AtomicBool::new(true));
        let checkpoints =
            Checkpoints::watch(&mut connection).map_err(|error| Error::from(StoreError::from(error)))?;
        let counters = Arc::new(Counters::new());
        let desk = WriterThread {
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
    pub(crate) async fn write<T, F>(&self, bytes: usize, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let run = |reply: Reply<T>| {
            Work::Exclusive(Box::new(move |connection| {
                let result = connection.map_err(StoreError::from).and_then(work).map_err(Error::from);
                let failed = result.as_ref().err().cloned();
                Completion { failed, answer: Box::new(move |committed| reply.send(committed, result)) }
            }))
        };
        self.send(bytes, run).await
    }

    /// Stores a metric together with others that wait, and answers when it is on disk. It takes about `bytes` of memory.
    pub(crate) async fn record(&self, bytes: usize, single: MetricWrite) -> Result<Recorded> {
        self.send(bytes, |reply| Work::Metrics(vec![Waiting { single, reply }])).await
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
    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What a job sets that leaves something to purge.
    pub(crate) fn purge_due(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.purge_due)
    }

    /// Refuses later writes. The thread ends when everything before them is written and the connection is
    /// closed; what comes back waits for that, the first time.
    pub(crate) fn stop(&self) -> impl FnOnce() + Send + 'static + use<> {
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
