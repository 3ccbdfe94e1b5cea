//! Where a download goes: a file that is never incomplete, or standard output.

use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use mlbench_client::Error;
use tokio::fs::{File, rename};

use crate::failure::Failure;
use crate::output::eprint_message;

/// Writes to a file and reports its length, or to standard output if `path` is `-`.
pub(super) async fn write_to(
    path: &Path,
    write: impl AsyncFnOnce(&mut File) -> Result<u64, Error>,
) -> Result<(), Failure> {
    if path == Path::new("-") {
        let stdout = io::stdout().as_fd().try_clone_to_owned()?;
        write(&mut File::from_std(stdout.into())).await?;
        return Ok(());
    }
    let length = write_file(path, write).await?;
    eprint_message(format_args!("wrote {length} bytes to {}", path.display()));
    Ok(())
}

/// Writes to a temporary file and renames it, so that `path` never holds an incomplete download.
async fn write_file(
    path: &Path,
    write: impl AsyncFnOnce(&mut File) -> Result<u64, Error>,
) -> Result<u64, Failure> {
    let failed = |error: io::Error| Failure::File { path: path.to_owned(), error };
    // A short name, because that of the file may have the length that the file system allows.
    let part = TemporaryFile(path.with_file_name(format!(".mlbench-{}.part", std::process::id())));
    let mut file = File::create(&part.0).await.map_err(failed)?;
    let length = match write(&mut file).await {
        Err(Error::Write(error)) => return Err(failed(io::Error::new(error.kind(), error))),
        other => other?,
    };
    rename(&part.0, path).await.map_err(failed)?;
    Ok(length)
}

/// A file that is removed unless it was renamed: after an error, and after Ctrl-C.
struct TemporaryFile(PathBuf);

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // This fails after a successful rename.
        let _ = std::fs::remove_file(&self.0);
    }
}
