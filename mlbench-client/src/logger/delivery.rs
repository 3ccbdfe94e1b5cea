//! [`DeliveryTracker`]: counts which recorded metrics were stored and which were lost.

use std::collections::BTreeSet;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::{Error, Result};

/// Tracks every recorded metric from `begin` until it is stored or lost.
#[derive(Debug)]
pub(super) struct DeliveryTracker(watch::Sender<State>);

#[derive(Debug)]
struct State {
    next: u64,
    pending: BTreeSet<u64>,
    lost: u64,
    first_loss: Option<Error>,
    last_stored: Instant,
    stopped: bool,
}

impl State {
    fn is_settled_before(&self, number: u64) -> bool {
        self.pending.first().is_none_or(|&pending| pending >= number)
    }

    fn settle(&mut self, number: u64, loss: Option<Error>) {
        // A stopped logger may already have counted this metric as lost.
        if self.pending.remove(&number)
            && let Some(error) = loss
        {
            self.lost += 1;
            self.first_loss.get_or_insert(error);
        }
    }

    /// Counts everything pending as lost if the logger has stopped.
    fn lose_pending_if_stopped(&mut self) {
        if self.stopped && !self.pending.is_empty() {
            self.lost += self.pending.len() as u64;
            self.pending.clear();
            self.first_loss.get_or_insert(Error::LoggerStopped);
        }
    }
}

impl DeliveryTracker {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(State {
            next: 0,
            pending: BTreeSet::new(),
            lost: 0,
            first_loss: None,
            last_stored: Instant::now(),
            stopped: false,
        }))
    }

    /// Starts to track a metric and returns its number.
    pub(super) fn begin(&self) -> u64 {
        let mut number = 0;
        self.0.send_if_modified(|state| {
            number = state.next;
            state.next += 1;
            state.pending.insert(number);
            // No task waits for a metric to be recorded.
            false
        });
        number
    }

    /// Settles a batch that the server accepted. Metrics that it rejected come with the reason.
    pub(super) fn accepted(&self, outcomes: impl Iterator<Item = (u64, Option<Error>)>) {
        self.0.send_modify(|state| {
            for (number, rejection) in outcomes {
                state.settle(number, rejection);
            }
            state.last_stored = Instant::now();
        });
    }

    /// Marks metrics as lost because of `error`.
    pub(super) fn lose(&self, numbers: impl Iterator<Item = u64>, error: &Error) {
        self.0.send_modify(|state| {
            numbers.for_each(|number| state.settle(number, Some(error.clone())));
        });
    }

    /// Returns when the server last accepted a batch.
    pub(super) fn last_stored(&self) -> Instant {
        self.0.borrow().last_stored
    }

    /// Marks the logger as stopped: it sends nothing from now on.
    pub(super) fn stop(&self) {
        self.0.send_modify(|state| state.stopped = true);
    }

    /// Waits until every metric recorded so far is stored or lost, and reports losses not reported before.
    pub(super) async fn settled(&self) -> Result<()> {
        let mut changes = self.0.subscribe();
        let target = self.0.borrow().next;
        // This cannot fail: `self` holds the sender.
        let _ = changes.wait_for(|state| state.stopped || state.is_settled_before(target)).await;
        let mut losses = (0, None);
        self.0.send_if_modified(|state| {
            state.lose_pending_if_stopped();
            losses = (std::mem::take(&mut state.lost), state.first_loss.take());
            false
        });
        match losses {
            (lost, Some(first)) => Err(Error::MetricsLost { lost, first: Box::new(first) }),
            _ => Ok(()),
        }
    }
}
