//! Puts a backup where a server expects its database.

use std::path::Path;

use mlbench_core::Result;

use super::backup::{Backup, copy, refuse_existing};
use crate::sqlite::connection::lock::DatabaseLock;
use crate::sqlite::connection::open::create_directory;

/// Copies a backup to the path of a database, where none may exist.
///
/// The copy is checked before it gets that name.
///
/// # Errors
/// A message for the operator: a database or a part of one exists, a server uses its name, the backup is damaged.
pub fn restore(backup: &Path, database: &Path) -> Result<Backup> {
    let database = create_directory(database)?;
    let beside = |suffix: &str| {
        let mut path = database.as_os_str().to_owned();
        path.push(suffix);
        path
    };
    // A log that a database has left would be read as that of this one.
    for suffix in ["", "-wal", "-journal"] {
        refuse_existing(Path::new(&beside(suffix)))?;
    }
    let lock = DatabaseLock::acquire(&database)?;
    lock.write_holder(None);
    let restored = copy(backup, beside(".partial").into(), database);
    drop(lock);
    restored
}
