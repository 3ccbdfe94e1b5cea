//! A pool of read-only connections, each used by one read at a time.
//!
//! A read runs on the thread that requests it if that may block. Handing it to another thread would cost two wake-ups, a
//! noticeable part of a small read. All other reads, and every read while one hangs, run elsewhere and have a deadline: a
//! file system that does not respond stops threads, not the server.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mlbench_core::{Error, ErrorCode, Result};
use rusqlite::Connection;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{block_in_place, spawn_blocking};

use crate::in_place;
use crate::sqlite::error::{StoreError, closed, overloaded};

/// How long a read waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a read may take when it runs elsewhere. One page takes milliseconds, seconds on a slow disk.
const READ_TIMEOUT: Duration = Duration::from_secs(20);
/// After this time, a read on the thread of its request may hang, and no other one is begun there.
const LONG: Duration = Duration::from_secs(1);

/// The pool.
pub(crate) struct Readers {
    pool: Arc<Mutex<Pool>>,
    permits: Arc<Semaphore>,
}

/// The connections that are idle, and since when each of the others is busy.
struct Pool {
    idle: Vec<Connection>,
    busy: Vec<(u64, Instant)>,
    reads: u64,
}

impl Readers {
    pub(crate) fn new(connections: Vec<Connection>) -> Self {
        let permits = Arc::new(Semaphore::new(connections.len()));
        let pool = Pool { idle: connections, busy: Vec::new(), reads: 0 };
        Self { pool: Arc::new(Mutex::new(pool)), permits }
    }

    /// Runs `work` in a read transaction, so that all its statements see the database as of one commit.
    pub(crate) async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let permit = self.acquire().await?;
        // A runtime with one thread cannot move its tasks elsewhere.
        let may_block =
            in_place::is_allowed() && Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread;
        if may_block && !lock(&self.pool).is_slow(Instant::now()) {
            return block_in_place(self.prepare(permit, work));
        }
        elsewhere(self.prepare(permit, work)).await
    }

    /// Like [`Readers::read`], on another thread even if the current one may block.
    pub(crate) async fn read_elsewhere<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        elsewhere(self.prepare(self.acquire().await?, work)).await
    }

    async fn acquire(&self) -> Result<OwnedSemaphorePermit> {
        tokio::time::timeout(ACQUIRE_TIMEOUT, Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(|_| overloaded("reads"))?
            .map_err(|_| closed())
    }

    fn prepare<T, F>(
        &self,
        permit: OwnedSemaphorePermit,
        work: F,
    ) -> impl FnOnce() -> Result<T> + Send + 'static + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let pool = Arc::clone(&self.pool);
        move || {
            let connection = PooledConnection::take(pool)?;
            let result = connection.read(work);
            drop(connection);
            drop(permit);
            result.map_err(Error::from)
        }
    }

    /// Closes the connections and rejects later reads.
    pub(crate) fn close(&self) {
        self.permits.close();
        lock(&self.pool).idle.clear();
    }
}

/// Runs a read on a thread for work that blocks.
async fn elsewhere<T: Send + 'static>(read: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::time::timeout(READ_TIMEOUT, spawn_blocking(read)).await {
        Ok(result) => result.map_err(|_| panicked())?,
        Err(_) => {
            let detail =
                format!("the database has not responded for {} s; try again", READ_TIMEOUT.as_secs());
            Err(Error::new(ErrorCode::Unavailable, detail).with_retry_after(Duration::from_secs(10)))
        }
    }
}

impl Pool {
    /// Returns whether a read takes so long that it may hang.
    fn is_slow(&self, now: Instant) -> bool {
        self.busy.iter().any(|(_, since)| now.saturating_duration_since(*since) >= LONG)
    }
}

/// A connection that returns to the pool when it is dropped, also during a panic.
struct PooledConnection {
    connection: Option<Connection>,
    number: u64,
    pool: Arc<Mutex<Pool>>,
}

impl PooledConnection {
    fn take(pool: Arc<Mutex<Pool>>) -> Result<Self> {
        let mut held = lock(&pool);
        let connection = held.idle.pop().ok_or_else(closed)?;
        held.reads += 1;
        let number = held.reads;
        held.busy.push((number, Instant::now()));
        drop(held);
        Ok(Self { connection: Some(connection), number, pool })
    }

    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let connection = self.connection.as_ref().ok_or_else(closed)?;
        let execute = |sql| connection.prepare_cached(sql)?.execute([]);
        execute("BEGIN")?;
        let result = catch_unwind(AssertUnwindSafe(|| work(connection)));
        // After some disk errors SQLite has already ended the transaction.
        if !connection.is_autocommit() {
            execute("ROLLBACK")?;
        }
        result.unwrap_or_else(|_| Err(panicked().into()))
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        let mut pool = lock(&self.pool);
        pool.busy.retain(|(number, _)| *number != self.number);
        pool.idle.extend(self.connection.take());
    }
}

/// The error of a read that panicked. The panic hook has logged the panic itself.
fn panicked() -> Error {
    Error::internal("a read panicked")
}

fn lock(pool: &Mutex<Pool>) -> std::sync::MutexGuard<'_, Pool> {
    pool.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_that_takes_long_may_hang() {
        let start = Instant::now();
        let pool = |busy| Pool { idle: Vec::new(), busy, reads: 2 };
        assert!(!pool(Vec::new()).is_slow(start + LONG));
        assert!(!pool(vec![(1, start)]).is_slow(start + LONG / 2));
        assert!(pool(vec![(2, start + LONG), (1, start)]).is_slow(start + LONG));
    }
}
