//! [`Outbox`]: batches on their way from the queue to the server, through the spool if there is one.

use std::collections::VecDeque;

use mlbench_core::Owner;
use tokio::time::Instant;

use super::batch::{BATCH_BYTES, Batch, NotEncoded, RecordedBatch, next_batch};
use super::fields::Record;
use super::queue::{Origin, Queue};
use super::spool::Spool;

/// Batches in the order in which they are sent: those of the spool, then the next one in memory.
#[derive(Debug)]
pub(super) struct Outbox {
    owner: Owner,
    spool: Option<Spool>,
    /// A batch in memory, because the spool has no room for it or does not exist.
    next: Option<RecordedBatch>,
    /// Whether the batch in memory is being sent, so that it must not move to the spool.
    next_is_sent: bool,
    /// What follows it.
    taken: VecDeque<Record>,
    spool_failed: bool,
}

/// The batch to send.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) batch: Batch,
    pub(super) origin: Origin,
    /// When its last metric was recorded. `None` if the batch can wait for the server as long as it takes.
    pub(super) newest: Option<Instant>,
}

impl Outbox {
    pub(super) fn new(owner: Owner, spool: Option<Spool>) -> Self {
        Self { owner, spool, next: None, next_is_sent: false, taken: VecDeque::new(), spool_failed: false }
    }

    /// Returns whether it can take metrics from the queue.
    pub(super) fn has_room(&self) -> bool {
        self.next.is_none() && self.taken.is_empty()
    }

    /// Returns whether nothing waits in memory.
    pub(super) fn is_safe(&self) -> bool {
        self.spool.is_some() && self.has_room()
    }

    /// Takes metrics from the queue, and moves them to the spool as far as it has room.
    pub(super) fn fill(&mut self, queue: &Queue) {
        if self.has_room() {
            self.taken.extend(queue.take().into_iter().flatten());
        }
        while self.make_batch(queue) && self.move_to_spool(queue) {}
    }

    /// Makes the next batch, and returns whether there is one.
    fn make_batch(&mut self, queue: &Queue) -> bool {
        let limit = self.spool.as_ref().map_or(BATCH_BYTES, Spool::batch_size).min(BATCH_BYTES);
        while self.next.is_none() {
            match next_batch(&mut self.taken, &self.owner, limit) {
                None => return false,
                Some(Ok(batch)) => self.next = Some(batch),
                Some(Err(NotEncoded { count, size, error })) => {
                    queue.lose(Origin::Memory(size), count, &error);
                }
            }
        }
        true
    }

    /// Moves the next batch to the spool, and returns whether that has room for it.
    fn move_to_spool(&mut self, queue: &Queue) -> bool {
        let (Some(spool), Some(next), false) = (&mut self.spool, &self.next, self.next_is_sent) else {
            return false;
        };
        let appended = spool.append(&next.batch);
        if let Err(error) = &appended {
            if !std::mem::replace(&mut self.spool_failed, true) {
                let spool = spool.directory().display();
                tracing::warn!(%spool, %error, "cannot write to the spool; metrics wait in memory");
            }
            return false;
        }
        let has_room = appended.unwrap_or_default();
        if has_room {
            self.spool_failed = false;
            queue.spooled(next.batch.count, next.size);
            self.next = None;
        }
        has_room
    }

    /// Returns the batch to send. A batch of the spool that cannot be read is lost.
    pub(super) fn head(&mut self, queue: &Queue) -> Option<Head> {
        if let Some(spool) = &mut self.spool {
            loop {
                match spool.first() {
                    Ok(Some(batch)) => return Some(Head { batch, origin: Origin::Spool, newest: None }),
                    Ok(None) => break,
                    Err((count, error)) => {
                        spool.remove_first();
                        queue.lose(Origin::Spool, count, &error);
                    }
                }
            }
        }
        let RecordedBatch { batch, size, newest } = self.next.as_ref()?;
        let newest = self.spool.is_none().then_some(*newest);
        self.next_is_sent = true;
        Some(Head { batch: batch.clone(), origin: Origin::Memory(*size), newest })
    }

    /// Removes the batch that [`head`](Self::head) returned.
    pub(super) fn remove_head(&mut self, origin: Origin) {
        match (origin, &mut self.spool) {
            (Origin::Spool, Some(spool)) => spool.remove_first(),
            _ => self.next = None,
        }
        self.next_is_sent = false;
    }

    /// Keeps the batch that [`head`](Self::head) returned, to send it again.
    pub(super) fn keep_head(&mut self) {
        self.next_is_sent = false;
    }
}
