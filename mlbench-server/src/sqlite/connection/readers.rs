//! A pool of read-only connections, each used by one read at a time.
//!
//! A read runs on the thread that requests it if the runtime can move the other tasks of that thread elsewhere. Handing
//! the read to another thread would cost two wake-ups, a noticeable part of a small read.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mlbench_core::{Error, Result};
use rusqlite::Connection;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Semaphore;
use tokio::task::{block_in_place, spawn_blocking};

use crate::sqlite::error::{StoreError, closed, overloaded};

/// How long a read waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// The pool.
pub(crate) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(crate) fn new(connections: Vec<Connection>) -> Self {
        let permits = Arc::new(Semaphore::new(connections.len()));
        Self { idle: Arc::new(Mutex::new(connections)), permits }
    }

    /// Runs `work` in a read transaction, so that all its statements see the database as of one commit.
    pub(crate) async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let permit = tokio::time::timeout(ACQUIRE_TIMEOUT, Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(|_| overloaded("reads"))?
            .map_err(|_| closed())?;
        let idle = Arc::clone(&self.idle);
        let read = move || {
            let connection = PooledConnection::take(idle)?;
            let result = connection.read(work);
            drop(connection);
            drop(permit);
            result.map_err(Error::from)
        };
        // A runtime with one thread cannot move its tasks elsewhere.
        if Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread {
            return block_in_place(read);
        }
        spawn_blocking(read).await.map_err(|_| panicked())?
    }

    /// Closes the connections and rejects later reads.
    pub(crate) fn close(&self) {
        self.permits.close();
        lock(&self.idle).clear();
    }
}

/// A connection that returns to the pool when it is dropped, also during a panic.
struct PooledConnection {
    connection: Option<Connection>,
    pool: Arc<Mutex<Vec<Connection>>>,
}

impl PooledConnection {
    fn take(pool: Arc<Mutex<Vec<Connection>>>) -> Result<Self> {
        let connection = lock(&pool).pop();
        if connection.is_none() {
            return Err(closed());
        }
        Ok(Self { connection, pool })
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
        lock(&self.pool).extend(self.connection.take());
    }
}

/// The error of a read that panicked. The panic hook has logged the panic itself.
fn panicked() -> Error {
    Error::internal("a read panicked")
}

fn lock(idle: &Mutex<Vec<Connection>>) -> std::sync::MutexGuard<'_, Vec<Connection>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}
