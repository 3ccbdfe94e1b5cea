//! Stores an upload, as a whole or chunk by chunk.

use std::sync::Arc;

use mlbench_core::batch::BatchResult;
use mlbench_core::storage::{
    Batch, BatchKey, BatchOutcome, BatchPoint, Fingerprint, IdempotencyKey, KeyedRequest, Storage,
};
use mlbench_core::{Error, Result};

use crate::app::access::Grant;
use crate::app::context::App;
use crate::clock::Clock;

/// The stored part of an upload.
pub struct Ingest {
    storage: Arc<dyn Storage>,
    clock: Clock,
    grant: Grant,
    key: Option<IdempotencyKey>,
    chunks: u32,
    outcome: Option<BatchOutcome>,
}

impl Ingest {
    /// Begins an upload of which nothing is stored.
    #[must_use]
    pub fn new(app: &App, grant: Grant, key: Option<IdempotencyKey>) -> Self {
        let (storage, clock) = (Arc::clone(&app.storage), app.clock.clone());
        Self { storage, clock, grant, key, chunks: 0, outcome: None }
    }

    /// Stores a whole batch in one transaction.
    ///
    /// # Errors
    /// [`IdempotencyKeyReused`](mlbench_core::ErrorCode::IdempotencyKeyReused), or when the store fails.
    pub async fn store_array(
        mut self,
        batch: Batch,
        fingerprint: Option<Fingerprint>,
    ) -> Result<BatchOutcome> {
        self.store(batch, fingerprint).await
    }

    /// Stores a chunk that ends with the line of this number.
    ///
    /// # Errors
    /// Those of [`store_array`](Self::store_array), with the lines that are stored.
    pub async fn store_chunk(
        &mut self,
        points: Vec<BatchPoint>,
        fingerprint: Option<Fingerprint>,
        last_line: u64,
    ) -> Result<()> {
        let batch = Batch { points, ..Batch::default() };
        let mut next = self.store(batch, fingerprint).await.map_err(|error| self.with_progress(&error))?;
        next.result.last_line = Some(last_line);
        self.chunks += 1;
        match &mut self.outcome {
            Some(outcome) => {
                outcome.result.add(next.result);
                outcome.replayed &= next.replayed;
            }
            None => self.outcome = Some(next),
        }
        Ok(())
    }

    /// Adds to an error which lines are stored.
    #[must_use]
    pub fn with_progress(&self, error: &Error) -> Error {
        let last = self.outcome.as_ref().and_then(|outcome| outcome.result.last_line).unwrap_or(0);
        let detail = match last {
            0 => format!("{}; no line was stored", error.detail()),
            last => format!("{}; lines 1 to {last} were stored", error.detail()),
        };
        let internal = error.internal_text().unwrap_or(error.detail());
        let with_progress = Error::new(error.code(), detail).with_internal(internal);
        match error.retry_after() {
            Some(after) => with_progress.with_retry_after(after),
            None => with_progress,
        }
    }

    /// Ends an upload of this many lines.
    #[must_use]
    pub fn finish(self, lines: u64) -> BatchOutcome {
        let nothing = BatchOutcome { result: BatchResult::default(), replayed: false };
        let mut outcome = self.outcome.unwrap_or(nothing);
        outcome.result.last_line = Some(lines);
        outcome
    }

    async fn store(&mut self, mut batch: Batch, fingerprint: Option<Fingerprint>) -> Result<BatchOutcome> {
        self.grant.reject_foreign_points(&mut batch);
        let holder = self.grant.key_holder(None);
        batch.key = self.key.clone().zip(fingerprint).map(|(key, fingerprint)| BatchKey {
            request: KeyedRequest { holder, key, fingerprint },
            chunk: self.chunks,
        });
        self.storage.record_batch(batch, self.clock.now()).await
    }
}
