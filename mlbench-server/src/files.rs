//! Atomic writes of small files.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes a file so that readers see either its old or its new content, never a part.
///
/// Writes through a temporary file in the same directory. Concurrent writers of one file are safe: each has a temporary
/// file of its own.
///
/// # Errors
/// Any error of the file system.
pub fn write_atomic(path: &Path, content: impl AsRef<[u8]>) -> io::Result<()> {
    PreparedFile::write(path, content)?.publish()
}

/// A file that is written but that no reader sees yet. Dropping it deletes it.
pub struct PreparedFile {
    temporary: PathBuf,
    path: PathBuf,
}

impl PreparedFile {
    /// Writes the content of a file beside it.
    ///
    /// # Errors
    /// Any error of the file system.
    pub fn write(path: &Path, content: impl AsRef<[u8]>) -> io::Result<Self> {
        static WRITES: AtomicU64 = AtomicU64::new(0);
        let number = WRITES.fetch_add(1, Ordering::Relaxed);
        let mut temporary = OsString::from(path.as_os_str());
        temporary.push(format!(".{}-{number}.new", std::process::id()));
        let file = Self { temporary: temporary.into(), path: path.to_owned() };
        fs::write(&file.temporary, content)?;
        Ok(file)
    }

    /// Replaces the file.
    ///
    /// # Errors
    /// Any error of the file system.
    pub fn publish(self) -> io::Result<()> {
        fs::rename(&self.temporary, &self.path)
    }
}

impl Drop for PreparedFile {
    fn drop(&mut self) {
        // After the replacement it does not exist.
        let _ = fs::remove_file(&self.temporary);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_replaces_the_file_and_leaves_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("address");
        write_atomic(&file, "a").unwrap();
        write_atomic(&file, "b").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "b");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(write_atomic(&folder.path().join("no/where"), "c").is_err());
    }
}
