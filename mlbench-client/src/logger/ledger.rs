//! What became of the metrics of a logger.

use std::collections::BTreeSet;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::{Error, Result};

/// Keeps account of every recorded metric from `open` to `store` or `lose`.
#[derive(Debug)]
pub(super) struct Ledger(watch::Sender<Account>);

#[derive(Debug)]
struct Account {
    next: u64,
    open: BTreeSet<u64>,
    lost: u64,
    first_loss: Option<Error>,
    last_stored: Instant,
    stopped: bool,
}

impl Account {
    fn settled_before(&self, number: u64) -> bool {
        self.open.first().is_none_or(|&open| open >= number)
    }

    fn settle(&mut self, number: u64, loss: Option<Error>) {
        // It is open no more when the logger was stopped and wrote it off.
        if self.open.remove(&number)
            && let Some(error) = loss
        {
            self.lost += 1;
            self.first_loss.get_or_insert(error);
        }
    }

    /// Of a stopped logger, what is open is lost.
    fn write_off(&mut self) {
        if self.stopped && !self.open.is_empty() {
            self.lost += self.open.len() as u64;
            self.open.clear();
            self.first_loss.get_or_insert(Error::LoggerStopped);
        }
    }
}

impl Ledger {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(Account {
            next: 0,
            open: BTreeSet::new(),
            lost: 0,
            first_loss: None,
            last_stored: Instant::now(),
            stopped: false,
        }))
    }

    /// A new metric; its number.
    pub(super) fn open(&self) -> u64 {
        let mut number = 0;
        self.0.send_if_modified(|account| {
            number = account.next;
            account.next += 1;
            account.open.insert(number);
            // Nobody waits for a metric to be recorded.
            false
        });
        number
    }

    /// The server took these; of some it says why it did not store them.
    pub(super) fn taken(&self, outcomes: impl Iterator<Item = (u64, Option<Error>)>) {
        self.0.send_modify(|account| {
            for (number, refused) in outcomes {
                account.settle(number, refused);
            }
            account.last_stored = Instant::now();
        });
    }

    /// These are not stored, and will not be.
    pub(super) fn lose(&self, numbers: impl Iterator<Item = u64>, error: &Error) {
        self.0.send_modify(|account| {
            numbers.for_each(|number| account.settle(number, Some(error.clone())));
        });
    }

    /// When the server last took something.
    pub(super) fn last_stored(&self) -> Instant {
        self.0.borrow().last_stored
    }

    /// Nothing will be sent any more.
    pub(super) fn stop(&self) {
        self.0.send_modify(|account| account.stopped = true);
    }

    /// Waits until every metric opened so far is stored or lost, and reports the losses not reported yet.
    pub(super) async fn settled(&self) -> Result<()> {
        let mut changes = self.0.subscribe();
        let target = self.0.borrow().next;
        // It cannot fail: the sender is `self`.
        let _ = changes.wait_for(|account| account.stopped || account.settled_before(target)).await;
        let mut losses = (0, None);
        self.0.send_if_modified(|account| {
            account.write_off();
            losses = (std::mem::take(&mut account.lost), account.first_loss.take());
            false
        });
        match losses {
            (lost, Some(first)) => Err(Error::MetricsLost { lost, first: Box::new(first) }),
            _ => Ok(()),
        }
    }
}
