//! Memory budget shared by all uploads.

use std::sync::Arc;
use std::time::Duration;

use mlbench_core::{Error, ErrorCode, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

const KIB: usize = 1 << 10;
/// Longest wait of a request for the memory that its declared length needs.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The memory that uploads may still take.
#[derive(Debug)]
pub(super) struct MemoryBudget(Arc<Semaphore>);

impl MemoryBudget {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes / KIB)))
    }

    /// Reserves `bytes`, and waits briefly if they are not free.
    ///
    /// # Errors
    /// [`ErrorCode::Overloaded`].
    pub(super) async fn reserve(&self, bytes: usize) -> Result<Reservation> {
        let waiting = Arc::clone(&self.0).acquire_many_owned(units(bytes));
        match tokio::time::timeout(TIMEOUT, waiting).await {
            Ok(Ok(permits)) => Ok(Reservation { budget: Arc::clone(&self.0), permits }),
            _ => Err(overloaded()),
        }
    }
}

/// The part of the budget that one request has, until it is dropped.
#[derive(Debug)]
pub(in crate::http) struct Reservation {
    budget: Arc<Semaphore>,
    permits: OwnedSemaphorePermit,
}

impl Reservation {
    /// Changes the reservation to `bytes` in all.
    ///
    /// It never waits for more: two requests that waited for each other would wait forever.
    ///
    /// # Errors
    /// [`ErrorCode::Overloaded`].
    pub(super) fn resize(&mut self, bytes: usize) -> Result<()> {
        let (wanted, held) = (units(bytes), u32::try_from(self.permits.num_permits()).unwrap_or(u32::MAX));
        if wanted > held {
            let more = Arc::clone(&self.budget).try_acquire_many_owned(wanted - held);
            self.permits.merge(more.map_err(|_| overloaded())?);
        } else {
            drop(self.permits.split((held - wanted) as usize));
        }
        Ok(())
    }
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(KIB)).unwrap_or(u32::MAX)
}

fn overloaded() -> Error {
    Error::new(ErrorCode::Overloaded, "the server is reading more batches than it has memory for; try again")
        .with_retry_after(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn released_memory_can_be_reserved_again() {
        let budget = MemoryBudget::new(10 * KIB);
        let mut first = budget.reserve(KIB).await.unwrap();
        first.resize(8 * KIB).unwrap();
        let mut second = budget.reserve(2 * KIB).await.unwrap();
        assert_eq!(second.resize(2 * KIB + 1).unwrap_err().code(), ErrorCode::Overloaded);
        assert_eq!(budget.reserve(1).await.unwrap_err().code(), ErrorCode::Overloaded);
        first.resize(0).unwrap();
        second.resize(10 * KIB).unwrap();
        drop((first, second));
        budget.reserve(10 * KIB).await.unwrap();
    }
}
