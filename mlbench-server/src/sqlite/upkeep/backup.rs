//! Copies a database as of one commit, while its server writes on.
//!
//! The copy is a read of the source: it stops no writer, but the write-ahead log grows by what is written meanwhile.
//! `docs/operations.md` compares it with `VACUUM INTO`.

use std::fs;
use std::path::{Path, PathBuf};

use mlbench_core::{Error, Result, Timestamp};
use rusqlite::Connection;
use rusqlite::backup::{self, StepResult};

use super::contents::{Contents, damage};
use super::existing::Existing;
use super::partial::Partial;
use crate::sqlite::connection::open::{io_reason, operator_error};
use crate::sqlite::error::StoreError;

/// Pages copied per step: 1 MiB.
const PAGES_PER_STEP: i32 = 256;
/// Steps after which the copy is written to the disk, so that no sync of a writer waits for all of it.
const STEPS_PER_SYNC: u32 = 32;
/// How the place of a copy begins, which is that of no server: the first one on a copy takes another name.
const COPY_OF: &str = "copy of ";

/// A finished backup.
#[derive(Debug)]
pub struct Backup {
    /// The file.
    pub path: PathBuf,
    /// What it holds.
    pub contents: Contents,
    /// Its size.
    pub bytes: u64,
}

/// Copies a database into a new file, or into a new file with the date as its name in a directory.
///
/// # Errors
/// A message for the operator: the file exists, the source is no database, the copy is damaged or cannot be written.
pub fn backup(database: &Path, target: &Path, now: Timestamp) -> Result<Backup> {
    let (path, partial) = if target.is_dir() {
        let date: String =
            now.to_text().as_str().chars().filter(|c| !matches!(c, '-' | ':')).take(15).collect();
        let path = target.join(format!("mlbench-{date}Z.sqlite3"));
        (path, target.join("mlbench-backup.partial"))
    } else {
        let mut partial = target.as_os_str().to_owned();
        partial.push(".partial");
        (target.to_owned(), partial.into())
    };
    refuse_existing(&path)?;
    copy(database, partial, path)
}

/// Refuses to overwrite a file.
///
/// # Errors
/// A message that names it.
pub(super) fn refuse_existing(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Ok(_) => {
            Err(operator_error(format!("{}: exists; name a new file, or delete it first", path.display())))
        }
        Err(_) => Ok(()),
    }
}

/// Copies a database to `partial`, checks the copy, and gives it the name `path`.
pub(super) fn copy(database: &Path, partial: PathBuf, path: PathBuf) -> Result<Backup> {
    let source = Existing::read(database)?;
    let partial = Partial::create(partial)?;
    let named = |error: StoreError| {
        let error = Error::from(error);
        let reason = error.internal_text().unwrap_or(error.detail()).to_owned();
        operator_error(format!("{}: cannot be copied to {}: {reason}", database.display(), path.display()))
    };
    let expected = copy_pages(&source.connection, &partial).map_err(named)?;
    drop(source);
    detach(partial.path()).map_err(named)?;
    let contents = verify(partial.path(), expected)
        .map_err(|problem| operator_error(format!("{}: {problem}; nothing was kept", database.display())))?;
    let bytes = fs::metadata(partial.path()).map_or(0, |file| file.len());
    partial.publish(&path).map_err(|error| {
        let reason = io_reason(&error);
        operator_error(format!("{}: cannot be written: {reason}; choose another file", path.display()))
    })?;
    Ok(Backup { path, contents, bytes })
}

/// Copies all pages as of one commit. Returns what they hold.
fn copy_pages(source: &Connection, partial: &Partial) -> Result<Contents, StoreError> {
    let mut target = Connection::open(partial.path())?;
    // A copy that is cut off is never used.
    target.query_row("PRAGMA journal_mode = OFF", [], |_| Ok(()))?;
    target.pragma_update(None, "synchronous", "OFF")?;
    // Begins the snapshot. Without one, the copy would begin anew whenever the server writes.
    source.execute_batch("BEGIN")?;
    let contents = Contents::of(source)?;
    let pages = backup::Backup::new(source, &mut target)?;
    let mut steps = 0;
    while pages.step(PAGES_PER_STEP)? != StepResult::Done {
        steps += 1;
        if steps % STEPS_PER_SYNC == 0 {
            partial.sync().map_err(Error::internal)?;
        }
    }
    drop(pages);
    source.execute_batch("COMMIT")?;
    target.close().map_err(|(_, error)| error)?;
    Ok(contents)
}

/// Makes the copy one file that belongs to no server.
fn detach(path: &Path) -> Result<(), StoreError> {
    let copy = Connection::open(path)?;
    // From a write-ahead log to none beside the file, and then to none on the disk while this writes.
    for mode in ["DELETE", "MEMORY"] {
        copy.query_row(&format!("PRAGMA journal_mode = {mode}"), [], |_| Ok(()))?;
    }
    copy.execute("UPDATE server SET place = ?1 || place WHERE place NOT LIKE ?1 || '%'", [COPY_OF])?;
    copy.close().map_err(|(_, error)| error)?;
    Ok(())
}

/// Checks that a copy is whole and holds what its source did.
fn verify(path: &Path, expected: Contents) -> Result<Contents, String> {
    let read = || -> Result<(Vec<String>, Contents)> {
        let copy = Existing::read(path)?;
        Ok((damage(&copy.connection), Contents::of(&copy.connection).map_err(Error::from)?))
    };
    let (damage, contents) =
        read().map_err(|error| error.internal_text().unwrap_or(error.detail()).to_owned())?;
    if let Some(problem) = damage.first() {
        return Err(problem.clone());
    }
    if contents != expected {
        return Err(format!("the copy has {contents} instead of {expected}"));
    }
    Ok(contents)
}
