//! Deletes what no request can reach any more, and gives the space back to the file system.

use std::fs;
use std::path::{Path, PathBuf};

use mlbench_core::{Error, Result, Timestamp};
use rusqlite::Connection;
use rustix::fs::statvfs;

use super::existing::Existing;
use super::orphans;
use crate::sqlite::connection::open::operator_error;
use crate::sqlite::error::{StoreError, is_out_of_space};
use crate::sqlite::idempotency;
use crate::sqlite::metrics::recent::RecentArrivals;
use crate::sqlite::runs::{import, purge};

/// Pages given back per transaction: 1 MiB, so that it succeeds on a disk that is nearly full.
const PAGES: u32 = 256;
/// Owners whose orphaned rows are deleted per transaction.
const OWNERS_PER_STEP: u32 = 100;

/// What a collection has deleted and given back.
#[derive(Debug)]
pub struct Collected {
    /// Idempotency keys that no repeat can use.
    pub keys: u64,
    /// Deleted runs whose rows were left.
    pub runs: u64,
    /// Rows of runs that do not exist.
    pub orphans: u64,
    /// The size of the database and its log before.
    pub bytes_before: u64,
    /// The size of the database now.
    pub bytes: u64,
}

/// Deletes expired keys and the rows of deleted runs, and gives free pages back to the file system.
///
/// # Errors
/// A message for the operator: a server uses the database, or it cannot be written.
pub fn gc(database: &Path, now: Timestamp) -> Result<Collected> {
    let mut existing = Existing::write(database)?.current()?;
    let path = existing.path.clone();
    let bytes_before = size(&path) + size(&log_of(&path));
    let named = |error: StoreError| {
        let error = Error::from(error);
        let shown = path.display();
        if is_out_of_space(&error) {
            // What the log holds must fit into the file before the log can start over.
            let needed = (size(&log_of(&path)) >> 20) + 2;
            return operator_error(format!(
                "database {shown}: the disk is full; make room for {needed} MiB there, and run gc again"
            ));
        }
        let reason = error.internal_text().unwrap_or(error.detail()).to_owned();
        operator_error(format!("database {shown}: {reason}"))
    };
    // Without the reserve: it does not suffice for a long log, and the next server needs it to start.
    checkpoint(&existing.connection).map_err(|error| named(error.into()))?;
    existing.use_reserve();
    let connection = &mut existing.connection;
    let deleted = delete(connection, now).map_err(named)?;
    shrink(connection, &path).map_err(named)?;
    let (keys, runs, orphans) = deleted;
    Ok(Collected { keys, runs, orphans, bytes_before, bytes: size(&path) })
}

/// Deletes rows. Returns how many keys, runs, and rows of runs that do not exist.
fn delete(connection: &mut Connection, now: Timestamp) -> Result<(u64, u64, u64), StoreError> {
    let count = |connection: &Connection, sql| {
        connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .map(|count| u64::try_from(count).unwrap_or(0))
    };
    let (all_runs, all_keys) = ("SELECT count(*) FROM run", "SELECT count(*) FROM idempotency_key");
    let runs = count(connection, all_runs)?;
    let recent = RecentArrivals::new(0);
    // No server runs, so an import that has not ended never will.
    import::abandon(connection)?;
    while purge::step(connection, &recent)? {}
    let runs = runs - count(connection, all_runs)?;
    let mut orphans = 0;
    loop {
        let deleted = orphans::delete_some(connection, OWNERS_PER_STEP)?;
        orphans += deleted as u64;
        if deleted == 0 {
            break;
        }
    }
    let keys = count(connection, all_keys)?;
    idempotency::expire(connection, usize::MAX, now)?;
    let keys = keys - count(connection, all_keys)?;
    Ok((keys, runs, orphans))
}

/// Gives free pages back to the file system.
fn shrink(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let pragma =
        |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, u32>(0).map(u64::from));
    checkpoint(connection)?;
    // 2: incremental. A database from before chunks cannot give pages back, until it was written anew.
    if pragma("auto_vacuum")? != 2 {
        let needed = pragma("page_count")? * pragma("page_size")? * 2;
        let free = statvfs(path).map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize));
        if free < needed {
            let reason = format!(
                "this database of an older version must be written anew to give space back, for which the disk needs \
                 {} MiB and has {} MiB; make room first",
                needed >> 20,
                free >> 20
            );
            return Err(operator_error(reason).into());
        }
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        connection.execute_batch("VACUUM")?;
        return Ok(checkpoint(connection)?);
    }
    let mut before = u64::MAX;
    loop {
        let free = pragma("freelist_count")?;
        if free == 0 || free >= before {
            return Ok(());
        }
        before = free;
        let mut statement = connection.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
        let mut rows = statement.query([])?;
        while rows.next()?.is_some() {}
        drop(rows);
        drop(statement);
        checkpoint(connection)?;
    }
}

/// Copies the log into the database, and empties it.
fn checkpoint(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

fn log_of(database: &Path) -> PathBuf {
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}
