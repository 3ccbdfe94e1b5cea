//! A few read-only connections, lent to one read at a time.
//!
//! A read is done on the thread that asks for it, where the runtime can have others take over what else that thread does:
//! to hand it to another and to be woken when it is done takes some 20 µs of 170 when nothing else happens, and on a busy
//! machine two more turns of waiting for a core.

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
const PATIENCE: Duration = Duration::from_secs(10);

/// The connections.
pub(crate) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(crate) fn new(connections: Vec<Connection>) -> Self {
        let permits = Arc::new(Semaphore::new(connections.len()));
        Self { idle: Arc::new(Mutex::new(connections)), permits }
    }

    /// Lets `work` read one state of the database: everything it asks is answered as of the same commit.
    pub(crate) async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let permit = tokio::time::timeout(PATIENCE, Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(|_| overloaded("reads"))?
            .map_err(|_| closed())?;
        let idle = Arc::clone(&self.idle);
        let read = move || {
            let lent = PooledConnection::from(idle)?;
            let result = lent.read(work);
            drop(lent);
            drop(permit);
            result.map_err(Error::from)
        };
        // In a runtime with one thread nobody could take over.
        if Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread {
            return block_in_place(read);
        }
        spawn_blocking(read).await.map_err(|_| panicked())?
    }

    /// Closes the connections; reads that come later are refused.
    pub(crate) fn close(&self) {
        self.permits.close();
        lock(&self.idle).clear();
    }
}

/// A connection that goes back when it is dropped, also by a panic.
struct PooledConnection {
    connection: Option<Connection>,
    home: Arc<Mutex<Vec<Connection>>>,
}

impl PooledConnection {
    fn from(home: Arc<Mutex<Vec<Connection>>>) -> Result<Self> {
        let connection = lock(&home).pop();
        if connection.is_none() {
            return Err(closed());
        }
        Ok(Self { connection, home })
    }

    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let connection = self.connection.as_ref().ok_or_else(closed)?;
        let run = |sql| connection.prepare_cached(sql)?.execute([]);
        run("BEGIN")?;
        let result = catch_unwind(AssertUnwindSafe(|| work(connection)));
        // After some errors of the disk SQLite ends the transaction by itself.
        if !connection.is_autocommit() {
            run("ROLLBACK")?;
        }
        result.unwrap_or_else(|_| Err(panicked().into()))
    }
}

/// What panicked is told where all panics are.
fn panicked() -> Error {
    Error::internal("a read panicked")
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        lock(&self.home).extend(self.connection.take());
    }
}

fn lock(idle: &Mutex<Vec<Connection>>) -> std::sync::MutexGuard<'_, Vec<Connection>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}
