//! Another program that holds the write lock of a database.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

/// Holds the lock until it is dropped.
pub(crate) struct ForeignLock {
    _connection: Connection,
}

impl ForeignLock {
    /// Locks a database.
    pub(crate) fn of(database: &Path) -> Self {
        let connection = Connection::open(database).unwrap();
        connection.busy_timeout(Duration::from_secs(60)).unwrap();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        Self { _connection: connection }
    }
}
