//! How much memory the bodies of batches may take together.

use std::sync::Arc;
use std::time::Duration;

use mlbench_core::{Error, ErrorCode, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

const KIB: usize = 1 << 10;
/// How long a request waits until there is room for what it says it will send.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The memory that is left.
#[derive(Debug)]
pub(super) struct MemoryBudget(Arc<Semaphore>);

impl MemoryBudget {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes / KIB)))
    }

    /// Waits shortly for room for `bytes`.
    ///
    /// # Errors
    /// [`ErrorCode::Overloaded`].
    pub(super) async fn reserve(&self, bytes: usize) -> Result<Reservation> {
        let waiting = Arc::clone(&self.0).acquire_many_owned(units(bytes));
        match tokio::time::timeout(TIMEOUT, waiting).await {
            Ok(Ok(permits)) => Ok(Reservation { room: Arc::clone(&self.0), permits }),
            _ => Err(overloaded()),
        }
    }
}

/// What one request holds of it, until it is dropped.
#[derive(Debug)]
pub(super) struct Reservation {
    room: Arc<Semaphore>,
    permits: OwnedSemaphorePermit,
}

impl Reservation {
    /// Holds `bytes` in all from now on. What is not there is not waited for: two that wait for each other would do so
    /// for ever.
    ///
    /// # Errors
    /// [`ErrorCode::Overloaded`].
    pub(super) fn resize(&mut self, bytes: usize) -> Result<()> {
        let (wanted, held) = (units(bytes), u32::try_from(self.permits.num_permits()).unwrap_or(u32::MAX));
        if wanted > held {
            let more = Arc::clone(&self.room).try_acquire_many_owned(wanted - held);
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
    async fn what_is_given_back_can_be_had_again_and_no_more_than_there_is() {
        let room = MemoryBudget::new(10 * KIB);
        let mut first = room.reserve(KIB).await.unwrap();
        first.resize(8 * KIB).unwrap();
        let mut second = room.reserve(2 * KIB).await.unwrap();
        assert_eq!(second.resize(2 * KIB + 1).unwrap_err().code(), ErrorCode::Overloaded);
        assert_eq!(room.reserve(1).await.unwrap_err().code(), ErrorCode::Overloaded);
        first.resize(0).unwrap();
        second.resize(10 * KIB).unwrap();
        drop((first, second));
        room.reserve(10 * KIB).await.unwrap();
    }
}
