//! [`Queue`]: recorded metrics in memory, and the account of all others.

use std::collections::VecDeque;
use std::mem;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

use super::batch::BATCH_METRICS;
use super::fields::Record;
use super::losses::Losses;
use super::stats::LoggerStats;
use crate::error::{Error, Result};

/// Metrics that can wait in memory.
pub(super) const CAPACITY: u64 = 100_000;
/// Limit of the texts of all metrics in memory, in bytes.
pub(super) const MAX_PENDING_BYTES: usize = 64 << 20;
/// How long the first metric waits for others to share its request.
const LINGER: Duration = Duration::from_millis(50);
/// Metrics in a piece of the queue: growing it moves few of them.
const PIECE: usize = 512;

/// The metrics of a logger that wait in memory, and the numbers of all others.
///
/// The lock is held for the time of a few instructions, so that recording does not wait.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Wakes the worker.
    work: Notify,
    /// Wakes every flush.
    changed: Notify,
    changed_blocking: Condvar,
    spool: Option<PathBuf>,
}

#[derive(Debug)]
struct State {
    queued: VecDeque<Vec<Record>>,
    queued_count: usize,
    pending_bytes: usize,
    stats: LoggerStats,
    /// Metrics that entered the queue or were found in the spool.
    recorded: u64,
    /// Metrics among them that are stored or lost. They are settled in their order.
    settled: u64,
    /// Losses that no flush has reported yet.
    unreported: Losses,
    /// All losses so far.
    total: Losses,
    /// Losses that were passed to `on_loss`.
    passed_on: u64,
    /// Why the server did not take the last batch.
    failure: Option<Error>,
    /// Metrics that had been recorded when a flush last reported that some wait.
    known_to_wait: u64,
    last_stored: Instant,
    /// Whether a flush waits for what is queued.
    is_urgent: bool,
    /// Whether the worker waits for the next metric.
    is_idle: bool,
    is_closed: bool,
    is_finished: bool,
    is_stopped: bool,
}

/// Where the metrics of a batch waited.
#[derive(Debug, Clone, Copy)]
pub(super) enum Origin {
    /// In memory, with texts of so many bytes.
    Memory(usize),
    /// In the spool.
    Spool,
}

impl Queue {
    /// Creates an empty queue. Metrics of an earlier program are `found` in the spool.
    pub(super) fn new(spool: Option<PathBuf>, found: u64) -> Self {
        let state = State {
            queued: VecDeque::new(),
            queued_count: 0,
            pending_bytes: 0,
            stats: LoggerStats { spooled: found, ..LoggerStats::default() },
            recorded: found,
            settled: 0,
            unreported: Losses::default(),
            total: Losses::default(),
            passed_on: 0,
            failure: None,
            known_to_wait: 0,
            last_stored: Instant::now(),
            is_urgent: false,
            is_idle: false,
            is_closed: false,
            is_finished: false,
            is_stopped: false,
        };
        let (work, changed) = (Notify::new(), Notify::new());
        Self { state: Mutex::new(state), work, changed, changed_blocking: Condvar::new(), spool }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.notify_waiters();
        self.changed_blocking.notify_all();
        result
    }

    /// Queues a metric, unless too many wait. One of any size is accepted while no other waits.
    pub(super) fn push(&self, record: Record) -> Result<()> {
        let size = record.size();
        let mut state = self.lock();
        if state.is_stopped {
            return Err(Error::LoggerStopped);
        }
        let pending = state.stats.pending;
        if pending >= CAPACITY || (pending > 0 && state.pending_bytes + size > MAX_PENDING_BYTES) {
            return Err(Error::QueueFull { waiting: usize::try_from(pending).unwrap_or(usize::MAX) });
        }
        match state.queued.back_mut() {
            Some(piece) if piece.len() < PIECE => piece.push(record),
            _ => state.queued.push_back(vec![record]),
        }
        state.queued_count += 1;
        state.stats.pending += 1;
        state.pending_bytes += size;
        state.recorded += 1;
        // A worker that has something to do comes by itself, so that few calls have to wake a thread.
        let wakes = mem::take(&mut state.is_idle) || state.queued_count == BATCH_METRICS;
        drop(state);
        if wakes {
            self.work.notify_one();
        }
        Ok(())
    }

    /// Counts metrics that were not queued.
    pub(super) fn lose_unqueued(&self, count: u64, error: &Error) {
        self.change(|state| state.lose(count, error));
    }

    /// Takes everything queued.
    pub(super) fn take(&self) -> VecDeque<Vec<Record>> {
        let mut state = self.lock();
        (state.is_urgent, state.queued_count) = (false, 0);
        mem::take(&mut state.queued)
    }

    /// Waits until it is time to take what is queued.
    pub(super) async fn wait_for_work(&self) {
        loop {
            let (is_due, is_empty) = {
                let mut state = self.lock();
                let is_empty = state.queued.is_empty();
                state.is_idle = is_empty;
                let is_due = !is_empty && (state.is_urgent || state.queued_count >= BATCH_METRICS);
                (is_due || state.is_closed, is_empty)
            };
            match (is_due, is_empty) {
                (true, _) => return,
                (false, true) => self.work.notified().await,
                (false, false) => {
                    let _ = timeout(LINGER, self.work.notified()).await;
                    return;
                }
            }
        }
    }

    /// Moves the account of metrics from the memory to the spool.
    pub(super) fn spooled(&self, count: u64, bytes: usize) {
        self.change(|state| {
            state.leave(Origin::Memory(bytes), count);
            state.stats.spooled += count;
        });
    }

    /// Settles a batch that the server accepted, but for metrics that it rejected with a reason.
    pub(super) fn accepted(&self, origin: Origin, count: u64, rejected: Option<(u64, Error)>) {
        self.change(|state| {
            state.leave(origin, count);
            state.settled += count;
            let mut stored = count;
            if let Some((rejected, error)) = rejected {
                stored = count.saturating_sub(rejected);
                state.lose(count - stored, &error);
            }
            state.stats.sent += stored;
            state.fail(None);
            state.last_stored = Instant::now();
        });
    }

    /// Settles a batch that is given up because of `error`.
    pub(super) fn lose(&self, origin: Origin, count: u64, error: &Error) {
        self.change(|state| {
            state.leave(origin, count);
            state.settled += count;
            state.lose(count, error);
        });
    }

    /// Notes why the server did not take a batch. `None` if it responded to what was sent.
    pub(super) fn note_failure(&self, error: Option<&Error>) {
        self.change(|state| state.fail(error.cloned()));
    }

    /// Returns when the server last accepted a batch.
    pub(super) fn last_stored(&self) -> Instant {
        self.lock().last_stored
    }

    /// Notes that nothing will be recorded any more.
    pub(super) fn close(&self) {
        self.change(|state| state.is_closed = true);
        self.work.notify_one();
    }

    /// Waits until nothing will be recorded any more.
    pub(super) async fn closed(&self) {
        self.until(|state| state.is_closed.then_some(())).await;
    }

    /// Returns whether nothing is queued and nothing will be.
    pub(super) fn is_exhausted(&self) -> bool {
        let state = self.lock();
        state.is_closed && state.queued.is_empty()
    }

    /// Notes that all that can be sent is sent.
    pub(super) fn finish(&self) {
        self.change(|state| state.is_finished = true);
    }

    /// Waits until nothing that was recorded can be lost in silence when the program ends, up to a timeout.
    pub(super) fn wait_until_safe(&self, timeout: Duration) {
        // The clock of the system, because nothing moves a paused one while this thread waits.
        let (begin, mut state) = (std::time::Instant::now(), self.lock());
        while !state.is_stopped && !state.is_safe() {
            let Some(left) = timeout.checked_sub(begin.elapsed()).filter(|left| !left.is_zero()) else {
                return;
            };
            state = self.changed_blocking.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Notes that nothing is sent any more.
    pub(super) fn stop(&self) {
        self.change(|state| state.is_stopped = true);
    }

    pub(super) fn stats(&self) -> LoggerStats {
        self.lock().stats.clone()
    }

    /// Waits until more metrics are lost than were passed on. `None` if the logger ends first.
    pub(super) async fn new_losses(&self) -> Option<(u64, Losses)> {
        self.until(|state| {
            let new = state.total.count - state.passed_on;
            let is_over = new > 0 || state.is_finished || state.is_stopped;
            is_over.then(|| (new > 0).then(|| (new, state.total.clone())))
        })
        .await
    }

    /// Notes that so many losses were passed on.
    pub(super) fn note_passed_on(&self, count: u64) {
        self.change(|state| state.passed_on = count);
    }

    /// Waits until the state has what `find` looks for.
    async fn until<T>(&self, find: impl Fn(&State) -> Option<T>) -> T {
        loop {
            let mut changed = Box::pin(self.changed.notified());
            changed.as_mut().enable();
            let found = find(&self.lock());
            if let Some(found) = found {
                return found;
            }
            changed.await;
        }
    }

    /// Makes the worker hurry, and returns what a flush waits for.
    pub(super) fn begin_flush(&self) -> u64 {
        let mut state = self.lock();
        state.is_urgent = true;
        let target = state.recorded;
        drop(state);
        self.work.notify_one();
        target
    }

    /// Waits until the first `target` metrics are settled, or `deadline` of the last progress has passed.
    pub(super) async fn settled(
        &self,
        target: u64,
        deadline: impl Fn(Instant) -> Option<Instant>,
    ) -> Result<()> {
        loop {
            let mut changed = Box::pin(self.changed.notified());
            changed.as_mut().enable();
            let deadline = {
                let mut state = self.lock();
                let deadline = deadline(state.last_stored);
                if state.is_settled(target) || deadline.is_some_and(|at| Instant::now() >= at) {
                    return self.report(&mut state, target);
                }
                deadline
            };
            match deadline {
                Some(at) => drop(timeout_at(at, changed).await),
                None => changed.await,
            }
        }
    }

    /// Waits like [`settled`](Self::settled) on the thread of the caller.
    pub(super) fn settled_blocking(&self, target: u64, deadline: Instant) -> Result<()> {
        let mut state = self.lock();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if state.is_settled(target) || left.is_zero() {
                return self.report(&mut state, target);
            }
            let waited = self.changed_blocking.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Reports losses not reported before, or else what still waits.
    fn report(&self, state: &mut State, target: u64) -> Result<()> {
        state.lose_pending_if_stopped();
        mem::take(&mut state.unreported).into_result()?;
        if state.settled >= target {
            return Ok(());
        }
        let LoggerStats { pending, spooled, .. } = state.stats;
        state.known_to_wait = state.recorded;
        let last = state.failure.clone().map(Box::new);
        Err(Error::NotSent { pending, spooled, spool: self.spool.clone(), last })
    }
}

impl State {
    fn leave(&mut self, origin: Origin, count: u64) {
        match origin {
            Origin::Memory(bytes) => {
                self.stats.pending = self.stats.pending.saturating_sub(count);
                self.pending_bytes = self.pending_bytes.saturating_sub(bytes);
            }
            Origin::Spool => self.stats.spooled = self.stats.spooled.saturating_sub(count),
        }
    }

    fn lose(&mut self, count: u64, error: &Error) {
        self.unreported.add(count, error);
        self.total.add(count, error);
        self.stats.dropped = self.total.count;
    }

    fn fail(&mut self, error: Option<Error>) {
        self.stats.is_away = error.is_some();
        self.failure = error;
    }

    /// Returns whether nothing waits in memory that no flush has reported, and all losses were passed on.
    fn is_safe(&self) -> bool {
        let is_known = self.stats.pending == 0 || self.known_to_wait == self.recorded;
        is_known && self.passed_on == self.total.count
    }

    fn is_settled(&self, target: u64) -> bool {
        self.is_stopped || self.settled >= target
    }

    /// Counts everything in memory as lost if the logger has stopped. The spool keeps what it has.
    fn lose_pending_if_stopped(&mut self) {
        if self.is_stopped {
            let count = mem::take(&mut self.stats.pending);
            self.settled += count;
            self.pending_bytes = 0;
            self.queued.clear();
            self.lose(count, &Error::LoggerStopped);
        }
    }
}
