//! Disk space that is held back for the writes that end runs.
//!
//! A run that has filled the disk must be stopped, deleted and ended to make room, and each of these is a write. When
//! the disk is full, such a write gives the reserve back and takes its place. Metrics and output are refused from then
//! on, until the reserve can be taken again.
//!
//! The file stays when the server ends, so that the next one has room to start on a disk that was filled meanwhile.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use mlbench_core::{Error, Result};
use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use crate::repeats::Repeats;
use crate::sqlite::error::{DISK_FULL, unwritable};

/// Size of the reserve, enough for dozens of such writes.
const BYTES: usize = 1 << 20;
/// Shortest time between two attempts to take the reserve.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// A file next to the database, which only takes up space.
pub(in crate::sqlite) struct Reserve {
    /// Whether every write is refused.
    is_read_only: bool,
    path: PathBuf,
    is_held: AtomicBool,
    last_failure: Mutex<Option<Failure>>,
    failures: Repeats,
}

/// A failed attempt to take the reserve.
struct Failure {
    at: Instant,
    error: io::Error,
}

impl Failure {
    /// The error of a write that the missing reserve refuses.
    fn refusal(&self) -> Error {
        match self.error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::NOSPC | Errno::DQUOT) => unwritable(DISK_FULL, &self.error),
            _ => unwritable(&self.error.to_string(), self.error.kind()),
        }
    }
}

impl Reserve {
    /// Gives back what an earlier server has held, because this one must write before it can take its own.
    ///
    /// Call it only under the lock of the database.
    pub(in crate::sqlite) fn given_back(database: &Path) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push("-reserve");
        let path = PathBuf::from(path);
        let _ = fs::remove_file(&path);
        Self { is_read_only: false, ..Self::read_only(path) }
    }

    /// Holds no space, and refuses every write.
    pub(in crate::sqlite) fn read_only(path: PathBuf) -> Self {
        Self {
            is_read_only: true,
            path,
            is_held: AtomicBool::new(false),
            last_failure: Mutex::new(None),
            failures: Repeats::default(),
        }
    }

    /// Gives the space back. Returns `false` if it was not held.
    pub(in crate::sqlite) fn release(&self) -> bool {
        let was_held = self.is_held.swap(false, Ordering::AcqRel);
        if was_held && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(%error, "cannot give back the reserve of the disk");
        }
        was_held
    }

    /// Returns whether large writes are accepted.
    pub(in crate::sqlite) fn is_held(&self) -> bool {
        self.is_held.load(Ordering::Acquire)
    }

    /// Checks that the reserve is held, or takes it again: others may write too.
    ///
    /// # Errors
    /// That of a write on the same disk.
    pub(in crate::sqlite) fn check(&self) -> Result<()> {
        if self.is_read_only {
            return Err(Error::read_only());
        }
        if self.is_held() {
            return Ok(());
        }
        let mut last = self.last_failure.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(failure) = last.as_ref().filter(|failure| failure.at.elapsed() < RETRY_INTERVAL) {
            return Err(failure.refusal());
        }
        match allocate(&self.path) {
            Ok(()) => self.is_held.store(true, Ordering::Release),
            Err(error) => {
                drop(fs::remove_file(&self.path));
                if self.failures.is_news(&error.to_string()) {
                    tracing::warn!(%error, "no room for the reserve of the disk: metrics and output are refused");
                }
                let failure = Failure { at: Instant::now(), error };
                return Err(last.insert(failure).refusal());
            }
        }
        Ok(())
    }
}

fn allocate(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    match fallocate(&file, FallocateFlags::empty(), 0, BYTES as u64) {
        // Some file systems can only be filled by writing.
        Err(Errno::OPNOTSUPP) => file.write_all(&vec![0; BYTES]),
        allocated => Ok(allocated?),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use mlbench_core::ErrorCode;

    use super::*;

    #[test]
    fn the_reserve_takes_up_space_until_it_is_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.db-reserve");
        let reserve = Reserve::given_back(&folder.path().join("x.db"));
        assert!(!reserve.is_held() && reserve.check().is_ok());
        assert!(fs::metadata(&file).unwrap().blocks() * 512 >= BYTES as u64);
        assert!(reserve.check().is_ok());
        assert!(reserve.release() && !reserve.release());
        assert!(!file.exists());
        *reserve.last_failure.lock().unwrap() = None;
        assert!(reserve.check().is_ok() && file.exists(), "taken again");
    }

    #[test]
    fn the_reserve_of_an_ended_server_gives_the_next_one_room_to_start() {
        let folder = tempfile::tempdir().unwrap();
        let (database, file) = (folder.path().join("x.db"), folder.path().join("x.db-reserve"));
        let reserve = Reserve::given_back(&database);
        assert!(reserve.check().is_ok());
        drop(reserve);
        assert!(file.exists(), "another program could take its place");
        let reserve = Reserve::given_back(&database);
        assert!(!file.exists() && !reserve.is_held());
    }

    #[test]
    fn large_writes_are_refused_until_the_reserve_can_be_taken() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        let reserve = Reserve::given_back(&missing.join("x.db"));
        assert_eq!(reserve.check().unwrap_err().code(), ErrorCode::Unavailable);
        fs::create_dir(missing).unwrap();
        *reserve.last_failure.lock().unwrap() = None;
        assert!(reserve.check().is_ok());
    }
}
