//! The buffer between the hub and a subscriber.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mlbench_core::storage::Interest;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::event::Batch;

/// Batches that wait for a subscriber. A batch has at most some thousand changes.
const BUFFERED_BATCHES: usize = 64;

/// The end of the hub.
pub(super) struct Feed {
    interest: Interest,
    batches: mpsc::Sender<Batch>,
    overflowed: Arc<AtomicBool>,
}

/// The end of the subscriber.
pub(in crate::app) struct Batches {
    batches: mpsc::Receiver<Batch>,
    overflowed: Arc<AtomicBool>,
}

/// Why a subscriber gets no more batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) enum FeedEnd {
    /// More batches waited than the buffer takes.
    Overflow,
    /// The hub failed, or does not know the changes after its position.
    PositionLost,
}

/// Returns both ends of a buffer for batches with events of this interest.
pub(super) fn feed(interest: Interest) -> (Feed, Batches) {
    let (sender, batches) = mpsc::channel(BUFFERED_BATCHES);
    let overflowed = Arc::new(AtomicBool::new(false));
    let feed = Feed { interest, batches: sender, overflowed: Arc::clone(&overflowed) };
    (feed, Batches { batches, overflowed })
}

impl Feed {
    pub(super) const fn interest(&self) -> &Interest {
        &self.interest
    }

    /// Returns whether the subscriber wants to know the places of runs in the queue.
    pub(super) fn follows_runs(&self) -> bool {
        self.interest.runs || !self.interest.of_runs.is_empty()
    }

    /// Returns whether the subscriber is gone.
    pub(super) fn is_closed(&self) -> bool {
        self.batches.is_closed()
    }

    /// Offers a batch. Returns `false` if the subscriber is gone or its buffer is full.
    pub(super) fn offer(&self, batch: &Batch) -> bool {
        if !batch.iter().any(|event| event.subject.is_in(&self.interest)) {
            return true;
        }
        match self.batches.try_send(Arc::clone(batch)) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.overflowed.store(true, Ordering::Release);
                false
            }
            Err(TrySendError::Closed(_)) => false,
        }
    }
}

impl Batches {
    /// Returns the next batch, or why none follows.
    ///
    /// A call may be given up at any time without losing a batch.
    pub(in crate::app) async fn next(&mut self) -> Result<Batch, FeedEnd> {
        match self.batches.recv().await {
            Some(batch) => Ok(batch),
            None if self.overflowed.load(Ordering::Acquire) => Err(FeedEnd::Overflow),
            None => Err(FeedEnd::PositionLost),
        }
    }
}
