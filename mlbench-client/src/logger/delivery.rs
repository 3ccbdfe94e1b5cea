//! [`DeliveryTracker`]: counts which recorded metrics were stored and which were lost.

use std::collections::BTreeMap;

use mlbench_core::ErrorCode;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::{Error, Result};

/// Limit of the texts of all metrics that are not settled yet, in bytes.
pub(super) const MAX_PENDING_BYTES: usize = 64 << 20;

/// Tracks every recorded metric from `begin` until it is stored or lost.
#[derive(Debug)]
pub(super) struct DeliveryTracker(watch::Sender<State>);

#[derive(Debug)]
struct State {
    next: u64,
    /// Size of each metric that is not settled yet, by number.
    pending: BTreeMap<u64, usize>,
    pending_bytes: usize,
    /// Losses that `settled` has not reported yet.
    unreported: Losses,
    /// All losses so far.
    total: Losses,
    last_stored: Instant,
    stopped: bool,
}

/// Metrics that were not stored.
#[derive(Debug, Clone, Default)]
pub(super) struct Losses {
    pub(super) count: u64,
    /// Why the first of them was lost.
    first: Option<Error>,
    /// Why the last of them was lost.
    pub(super) last: Option<Error>,
}

impl Losses {
    fn add(&mut self, count: u64, error: &Error) {
        self.count += count;
        self.first.get_or_insert_with(|| error.clone());
        self.last = Some(error.clone());
    }
}

impl State {
    fn is_settled_before(&self, number: u64) -> bool {
        self.pending.keys().next().is_none_or(|&pending| pending >= number)
    }

    /// Returns whether the metric was pending. A stopped logger may already have counted it as lost.
    fn settle(&mut self, number: u64) -> bool {
        let size = self.pending.remove(&number);
        self.pending_bytes -= size.unwrap_or(0);
        size.is_some()
    }

    fn lose(&mut self, count: u64, error: &Error) {
        if count > 0 {
            self.unreported.add(count, error);
            self.total.add(count, error);
        }
    }

    /// Counts everything pending as lost if the logger has stopped.
    fn lose_pending_if_stopped(&mut self) {
        if self.stopped {
            let count = std::mem::take(&mut self.pending).len();
            self.pending_bytes = 0;
            self.lose(count as u64, &Error::LoggerStopped);
        }
    }
}

/// Returns the reason for a rejection that the server did not list.
fn unnamed_rejection() -> Error {
    let message = "the server rejected it without a reason".to_owned();
    Error::Rejected { code: ErrorCode::Unknown, message }
}

impl DeliveryTracker {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(State {
            next: 0,
            pending: BTreeMap::new(),
            pending_bytes: 0,
            unreported: Losses::default(),
            total: Losses::default(),
            last_stored: Instant::now(),
            stopped: false,
        }))
    }

    /// Starts to track a metric of `size` bytes and returns its number.
    ///
    /// Returns `None` if too many bytes are pending.
    /// A metric of any size is accepted while no other is pending.
    pub(super) fn begin(&self, size: usize) -> Option<u64> {
        let mut number = None;
        self.0.send_if_modified(|state| {
            let full = state.pending_bytes.saturating_add(size) > MAX_PENDING_BYTES;
            if !full || state.pending.is_empty() {
                number = Some(state.next);
                state.pending.insert(state.next, size);
                state.pending_bytes += size;
                state.next += 1;
            }
            // No task waits for a metric to be recorded.
            false
        });
        number
    }

    /// Returns the number of metrics that are not settled yet.
    pub(super) fn pending(&self) -> usize {
        self.0.borrow().pending.len()
    }

    /// Settles a batch that the server accepted. Metrics that it rejected come with the reason.
    ///
    /// The server also rejected `unlisted` metrics of the batch without naming them.
    pub(super) fn accepted(&self, outcomes: impl Iterator<Item = (u64, Option<Error>)>, unlisted: u64) {
        self.0.send_modify(|state| {
            let mut stored = 0;
            for (number, rejection) in outcomes {
                match (state.settle(number), rejection) {
                    (true, Some(error)) => state.lose(1, &error),
                    (true, None) => stored += 1,
                    (false, _) => {}
                }
            }
            let reason = state.total.last.clone().unwrap_or_else(unnamed_rejection);
            state.lose(unlisted.min(stored), &reason);
            state.last_stored = Instant::now();
        });
    }

    /// Marks metrics as lost because of `error`.
    pub(super) fn lose(&self, numbers: impl Iterator<Item = u64>, error: &Error) {
        self.0.send_modify(|state| {
            let lost = numbers.filter(|&number| state.settle(number)).count();
            state.lose(lost as u64, error);
        });
    }

    /// Counts a metric as lost that was never tracked.
    pub(super) fn lose_untracked(&self, error: &Error) {
        self.0.send_modify(|state| state.lose(1, error));
    }

    /// Returns when the server last accepted a batch.
    pub(super) fn last_stored(&self) -> Instant {
        self.0.borrow().last_stored
    }

    /// Marks the logger as stopped: it sends nothing from now on.
    pub(super) fn stop(&self) {
        self.0.send_modify(|state| state.stopped = true);
    }

    /// Waits until more than `count` metrics are lost, and returns all losses.
    ///
    /// Returns `None` if the logger stops first.
    pub(super) async fn more_losses_than(&self, count: u64) -> Option<Losses> {
        let mut changes = self.0.subscribe();
        let state = changes.wait_for(|state| state.stopped || state.total.count > count).await.ok()?;
        (state.total.count > count).then(|| state.total.clone())
    }

    /// Waits until every metric recorded so far is stored or lost, and reports losses not reported before.
    pub(super) async fn settled(&self) -> Result<()> {
        let mut changes = self.0.subscribe();
        let target = self.0.borrow().next;
        // This cannot fail: `self` holds the sender.
        let _ = changes.wait_for(|state| state.stopped || state.is_settled_before(target)).await;
        let mut losses = Losses::default();
        self.0.send_if_modified(|state| {
            state.lose_pending_if_stopped();
            losses = std::mem::take(&mut state.unreported);
            false
        });
        match losses {
            Losses { count: lost, first: Some(first), .. } => {
                Err(Error::MetricsLost { lost, first: Box::new(first) })
            }
            _ => Ok(()),
        }
    }
}
