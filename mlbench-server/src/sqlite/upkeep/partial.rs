//! A file that is written under another name, and gets its own when it is whole.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use mlbench_core::Result;
use rustix::fs::{CWD, FlockOperation, RenameFlags, flock, renameat_with};
use rustix::io::Errno;

use crate::sqlite::connection::open::{io_reason, operator_error};

/// A file that is not whole yet, deleted when it is dropped.
///
/// A killed process leaves one behind, and the next one with the same name replaces it: only the lock says that it is
/// being written.
pub(super) struct Partial {
    path: PathBuf,
    /// It stays open, because closing it would release the locks of SQLite in this process.
    file: File,
}

impl Partial {
    /// Creates an empty file that only its owner can read.
    ///
    /// # Errors
    /// A message for the operator, also when another process writes it.
    pub(super) fn create(path: PathBuf) -> Result<Self> {
        let refuse = |reason: String| operator_error(format!("{}: {reason}", path.display()));
        loop {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false).mode(0o600);
            let opened = options.open(&path);
            let file = opened.map_err(|error| refuse(format!("cannot be written: {}", io_reason(&error))))?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => {
                    return Err(refuse("another process writes it; wait for its end".to_owned()));
                }
                Err(error) => return Err(refuse(format!("cannot be locked: {error}"))),
            }
            // Its writer may have given it its name before this process had the lock.
            if is_at(&file, &path) {
                let partial = Self { path, file };
                partial.remove_companions();
                partial.file.set_len(0).map_err(|error| operator_error(error.to_string()))?;
                return Ok(partial);
            }
        }
    }

    /// Returns the path under which the file is written.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what the operating system holds of the file to the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Gives the file its name, unless that is taken. Survives a power failure when it returns.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`], and those of the file system.
    pub(super) fn publish(self, path: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        self.remove_companions();
        match renameat_with(CWD, &self.path, CWD, path, RenameFlags::NOREPLACE) {
            // The file system does not know this kind of renaming.
            Err(Errno::INVAL | Errno::NOSYS) if fs::symlink_metadata(path).is_err() => {
                fs::rename(&self.path, path)?;
            }
            Err(Errno::INVAL | Errno::NOSYS) => return Err(Errno::EXIST.into()),
            renamed => renamed?,
        }
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
    }

    /// Deletes the files that SQLite may have left beside it.
    fn remove_companions(&self) {
        for suffix in ["-wal", "-shm", "-journal"] {
            let mut path = self.path.as_os_str().to_owned();
            path.push(suffix);
            let _ = fs::remove_file(path);
        }
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if is_at(&self.file, &self.path) {
            let _ = fs::remove_file(&self.path);
            self.remove_companions();
        }
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    let id = |file: &fs::Metadata| (file.dev(), file.ino());
    file.metadata().is_ok_and(|open| fs::metadata(path).is_ok_and(|named| id(&open) == id(&named)))
}
