//! Notices when the open database is no longer the file with its name.
//!
//! What is written to a file that somebody has deleted or replaced is gone when the server ends.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use mlbench_core::Result;

use crate::sqlite::error::unwritable;

/// The open files of a database.
#[derive(Debug)]
pub(in crate::sqlite) struct OpenFiles {
    database: OpenFile,
    log: OpenFile,
}

/// A name, and the device and inode that it had.
#[derive(Debug)]
struct OpenFile {
    path: PathBuf,
    id: Option<(u64, u64)>,
}

impl OpenFile {
    fn at(path: PathBuf) -> Self {
        Self { id: id(&path), path }
    }

    fn is_there(&self) -> bool {
        id(&self.path) == self.id
    }
}

impl OpenFiles {
    /// Remembers the files of a database whose write-ahead log is open.
    pub(in crate::sqlite) fn of(database: &Path) -> Self {
        let mut log = database.as_os_str().to_owned();
        log.push("-wal");
        Self { database: OpenFile::at(database.to_owned()), log: OpenFile::at(log.into()) }
    }

    /// Checks that both files still have their names.
    ///
    /// # Errors
    /// [`Unavailable`](mlbench_core::ErrorCode::Unavailable), until they have them again.
    pub(in crate::sqlite) fn check(&self) -> Result<()> {
        match [&self.database, &self.log].into_iter().find(|file| !file.is_there()) {
            None => Ok(()),
            Some(file) => {
                let cause = format!("{}: deleted or replaced while it is open", file.path.display());
                Err(unwritable("its file was deleted or replaced", cause))
            }
        }
    }

    /// Returns whether another program has put its own write-ahead log in the place of the open one.
    pub(in crate::sqlite) fn is_log_foreign(&self) -> bool {
        self.log.path.exists() && !self.log.is_there()
    }
}

fn id(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}
