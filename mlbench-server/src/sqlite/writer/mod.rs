//! The handle of the writer: queues jobs for the one thread that writes, and waits for their results.

mod health;
mod job;
mod stats;
mod thread;

use std::cell::RefCell;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mlbench_core::storage::{Recorded, StoreStats};
use mlbench_core::{Error, ErrorCode, Result};
use rusqlite::Connection;
use tokio::sync::{Notify, Semaphore, oneshot};

use crate::repeats::Repeats;
use crate::sqlite::connection::checkpoint::Checkpointer;
use crate::sqlite::connection::files::OpenFiles;
use crate::sqlite::connection::reserve::Reserve;
use crate::sqlite::error::{StoreError, closed, failed, is_out_of_space, overloaded};
use crate::sqlite::metrics::recent::Arrivals;
use crate::sqlite::metrics::record::MetricWrite;
use crate::vitals::Vitals;
use health::WriterHealth;
use job::{Job, Reply, Work};
use stats::WriterStats;
use thread::WriterThread;

/// The memory budget of queued jobs. Beyond it callers wait, for up to [`QUEUE_TIMEOUT`].
const MAX_QUEUED_BYTES: usize = 32 << 20;
/// The least that a job takes of the budget, for itself and its result.
const MIN_JOB_BYTES: usize = 1 << 10;
/// How long a check of the writer waits for its result.
const CHECK_TIMEOUT: Duration = Duration::from_millis(1_500);
/// How long a caller waits for memory budget.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(5);
/// How often the watch looks whether the writer goes on.
const LOOK: Duration = Duration::from_secs(1);
/// A writer without progress for so long waits for a file system that does not respond.
const GIVE_UP_AFTER: Duration = Duration::from_secs(30);

/// Sends jobs to the writer thread.
pub(super) struct Writer {
    /// Whether every write is refused.
    is_read_only: bool,
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    budget: Arc<Semaphore>,
    purge_due: Arc<AtomicBool>,
    stats: Arc<WriterStats>,
    health: Arc<WriterHealth>,
    commits: Arc<Notify>,
    /// Locked during a check, so that many callers share one.
    checking: tokio::sync::Mutex<()>,
    thread: Mutex<Option<JoinHandle<()>>>,
    reserve: Reserve,
    /// Notified while the writer makes no progress for long.
    stalls: Arc<Notify>,
    /// Ends the watch when it is dropped.
    _watched: mpsc::Sender<()>,
}

impl Writer {
    /// Starts the writer thread, which reports to `vitals` when it has failed for good.
    pub(super) fn start(
        mut connection: Connection,
        (reserve, files): (Reserve, OpenFiles),
        vitals: Vitals,
        arrivals: Arc<Arrivals>,
    ) -> Result<Self> {
        let (jobs, queue) = mpsc::channel();
        // An earlier server may have left something to purge.
        let purge_due = Arc::new(AtomicBool::new(true));
        let checkpointer =
            Checkpointer::new(&mut connection).map_err(|error| Error::from(StoreError::from(error)))?;
        let stats = Arc::new(WriterStats::new());
        let health = Arc::new(WriterHealth::new());
        let commits = Arc::new(Notify::new());
        let thread = WriterThread {
            connection,
            files,
            queue,
            checkpointer,
            arrivals,
            purge_due: Arc::clone(&purge_due),
            stats: Arc::clone(&stats),
            health: Arc::clone(&health),
            commits: Arc::clone(&commits),
            vitals,
            disk_failure: RefCell::new(None),
            failures: Repeats::default(),
        };
        let thread = std::thread::Builder::new().name("sqlite-writer".to_owned()).spawn(move || thread.run());
        let thread = thread
            .map_err(|error| Error::internal(format_args!("cannot start the writer thread: {error}")))?;
        let (stalls, (watched, end)) = (Arc::new(Notify::new()), mpsc::channel());
        watch(Arc::clone(&health), Arc::clone(&stalls), end).map_err(|error| {
            Error::internal(format_args!("cannot start the watch of the writer: {error}"))
        })?;
        Ok(Self {
            is_read_only: false,
            jobs: Mutex::new(Some(jobs)),
            budget: Arc::new(Semaphore::new(MAX_QUEUED_BYTES / MIN_JOB_BYTES)),
            purge_due,
            stats,
            health,
            commits,
            checking: tokio::sync::Mutex::new(()),
            thread: Mutex::new(Some(thread)),
            reserve,
            stalls,
            _watched: watched,
        })
    }

    /// Returns the handle of no thread, which refuses every write.
    pub(super) fn refusing(database: &Path) -> Self {
        Self {
            is_read_only: true,
            jobs: Mutex::new(None),
            budget: Arc::new(Semaphore::new(0)),
            purge_due: Arc::default(),
            stats: Arc::new(WriterStats::new()),
            health: Arc::new(WriterHealth::new()),
            commits: Arc::default(),
            checking: tokio::sync::Mutex::new(()),
            thread: Mutex::new(None),
            reserve: Reserve::read_only(database.to_owned()),
            stalls: Arc::default(),
            _watched: mpsc::channel().0,
        }
    }

    /// Returns a way to write from a thread without a runtime. Drop it before [`Writer::stop`].
    pub(super) fn sender(&self) -> Result<JobSender> {
        let jobs = lock(&self.jobs).as_ref().cloned().ok_or_else(closed)?;
        Ok(JobSender { jobs, budget: Arc::new(Semaphore::new(1)), stats: Arc::clone(&self.stats) })
    }

    /// Returns what is notified after each commit of jobs.
    pub(super) fn commits(&self) -> Arc<Notify> {
        Arc::clone(&self.commits)
    }

    /// Runs `work` in a transaction and returns its result after the commit.
    ///
    /// `bytes` estimates the memory that `work` holds.
    pub(super) async fn write<T, F>(&self, bytes: usize, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.send(bytes, |reply| Work::exclusive(reply, work)).await
    }

    /// Like [`Writer::write`], for work that runs on a full disk too, because it makes room or ends a run.
    pub(super) async fn write_first<T, F>(&self, bytes: usize, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T, StoreError> + Clone + Send + 'static,
    {
        match self.write(bytes, work.clone()).await {
            Err(error) if is_out_of_space(&error) && self.reserve.release() => self.write(bytes, work).await,
            written => written,
        }
    }

    /// Runs `work`, which leaves something to purge, in a later transaction, and returns at once.
    pub(super) fn post<F>(&self, work: F)
    where
        F: FnOnce(&Connection) -> Result<(), StoreError> + Send + 'static,
    {
        let purge_due = Arc::clone(&self.purge_due);
        let (jobs, budget) = (lock(&self.jobs), Arc::new(Semaphore::new(1)).try_acquire_owned());
        // Without them, the writer has stopped, and the next start finds what there is to do.
        let (Some(sender), Ok(budget)) = (jobs.as_ref(), budget) else { return };
        let (caller, _) = oneshot::channel();
        let work = move |c: &Connection| work(c).inspect(|()| purge_due.store(true, Ordering::Release));
        self.stats.enqueued();
        let _ = sender.send(Job { bytes: 0, work: Work::exclusive(Reply { caller, budget }, work) });
    }

    /// Returns the space that is held back for [`Writer::write_first`].
    pub(super) const fn reserve(&self) -> &Reserve {
        &self.reserve
    }

    /// Like [`Writer::write_first`], for work that leaves something to purge.
    pub(super) async fn write_and_purge<F>(&self, work: F) -> Result<()>
    where
        F: Fn(&Connection) -> Result<(), StoreError> + Clone + Send + 'static,
    {
        let purge_due = Arc::clone(&self.purge_due);
        self.write_first(0, move |c| work(c).inspect(|()| purge_due.store(true, Ordering::Release))).await
    }

    /// Stores a metric, together with others in the queue, and returns after the commit.
    ///
    /// `bytes` estimates the memory that `write` holds.
    pub(super) async fn record(&self, bytes: usize, write: MetricWrite) -> Result<Recorded> {
        self.send(bytes, |reply| Work::metric(reply, write)).await
    }

    async fn send<T>(&self, bytes: usize, work: impl FnOnce(Reply<T>) -> Work) -> Result<T> {
        if self.is_read_only {
            return Err(Error::read_only());
        }
        let units = (1 + bytes / MIN_JOB_BYTES).min(MAX_QUEUED_BYTES / MIN_JOB_BYTES);
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        let budget = tokio::time::timeout(QUEUE_TIMEOUT, Arc::clone(&self.budget).acquire_many_owned(units))
            .await
            .map_err(|_| overloaded("writes"))?
            .map_err(|_| closed())?;
        let (caller, result) = oneshot::channel();
        let job = Job { bytes, work: work(Reply { caller, budget }) };
        {
            let jobs = lock(&self.jobs);
            let sender = jobs.as_ref().ok_or_else(closed)?;
            self.stats.enqueued();
            sender.send(job).map_err(|_| failed())?;
        }
        tokio::select! {
            biased;
            written = result => written.map_err(|_| Error::internal("a write panicked"))?,
            () = self.stalls.notified() => {
                Err(uncertain(self.health.stalled(Instant::now()).unwrap_or(GIVE_UP_AFTER)))
            }
        }
    }

    /// Checks that the writer can write.
    ///
    /// It writes at most once a second, and not at all while other writes show the same.
    ///
    /// # Errors
    /// The error of a write, also of one that the missing reserve refuses, or [`ErrorCode::Unavailable`] when the writer
    /// makes no progress.
    pub(super) async fn check(&self) -> Result<()> {
        if self.is_read_only {
            return Ok(());
        }
        self.reserve.check()?;
        let checked = tokio::time::timeout(CHECK_TIMEOUT, async {
            let _one_at_a_time = self.checking.lock().await;
            match self.health.recent(Instant::now()) {
                Some(outcome) => outcome,
                // It changes nothing, and dirties one page.
                None => {
                    self.write(0, |c| Ok(c.execute("UPDATE server SET instance = instance", []).map(drop)?))
                        .await
                }
            }
        });
        // The writer may be busy with a large batch, or still with what has failed before.
        checked.await.unwrap_or_else(|_| match (self.health.stalled(Instant::now()), self.health.failing()) {
            (Some(since), _) => Err(stalled(since)),
            (None, Some(error)) => Err(error),
            (None, None) => Ok(()),
        })
    }

    /// Makes it appear that the transaction began before.
    #[cfg(test)]
    pub(super) fn set_begun(&self, ago: Duration) {
        self.health.begun(Instant::now().checked_sub(ago).unwrap());
    }

    /// Returns the statistics of the writer. The fields that come from the database keep their defaults.
    pub(super) fn stats(&self) -> StoreStats {
        StoreStats {
            failing: self.health.failing().is_some() || !self.reserve.is_held() && !self.is_read_only,
            ..self.stats.snapshot()
        }
    }

    /// Rejects later jobs.
    ///
    /// The returned function waits until earlier jobs are written and the connection is closed.
    pub(super) fn stop(&self) -> impl FnOnce() + Send + 'static + use<> {
        self.budget.close();
        drop(lock(&self.jobs).take());
        let thread = lock(&self.thread).take();
        move || {
            // The thread catches panics of jobs. If the thread itself panicked, no write is left.
            drop(thread.map(JoinHandle::join));
        }
    }
}

/// Writes from a thread without a runtime, one job at a time.
pub(super) struct JobSender {
    jobs: mpsc::Sender<Job>,
    budget: Arc<Semaphore>,
    stats: Arc<WriterStats>,
}

impl JobSender {
    /// Runs `work` in a transaction and returns its result after the commit.
    ///
    /// `bytes` estimates the memory that `work` holds.
    pub(super) fn write<T, F>(&self, bytes: usize, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let budget = Arc::clone(&self.budget).try_acquire_owned().map_err(|_| closed())?;
        let (caller, result) = oneshot::channel();
        self.stats.enqueued();
        let job = Job { bytes, work: Work::exclusive(Reply { caller, budget }, work) };
        self.jobs.send(job).map_err(|_| failed())?;
        result.blocking_recv().map_err(|_| Error::internal("a write panicked"))?
    }
}

/// Starts a thread that notifies those who wait while the writer makes no progress.
///
/// It ends when the other end of `end` is dropped.
/// It is no task, because timers would advance the paused clock of tests.
fn watch(health: Arc<WriterHealth>, stalls: Arc<Notify>, end: mpsc::Receiver<()>) -> std::io::Result<()> {
    let watch = move || {
        while end.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
            if health.stalled(Instant::now()).is_some_and(|since| since >= GIVE_UP_AFTER) {
                stalls.notify_waiters();
            }
        }
    };
    std::thread::Builder::new().name("sqlite-watch".to_owned()).spawn(watch).map(drop)
}

/// The error of a write that the file system holds up, and which is stored if that responds again.
fn uncertain(since: Duration) -> Error {
    let detail = format!(
        "the database has not responded for {} s, and may still store this; repeat it with the same Idempotency-Key",
        since.as_secs()
    );
    Error::new(ErrorCode::Unavailable, detail).with_retry_after(Duration::from_secs(10))
}

fn stalled(since: Duration) -> Error {
    let detail = format!("the database has not responded for {} s", since.as_secs());
    Error::new(ErrorCode::Unavailable, detail).with_retry_after(Duration::from_secs(10))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
