//! Where a download goes: a file that is never incomplete, or standard output.

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use mlbench_client::Error;
use tokio::fs::{File, OpenOptions, rename};

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
///
/// It writes into a device or a pipe itself.
async fn write_file(
    path: &Path,
    write: impl AsyncFnOnce(&mut File) -> Result<u64, Error>,
) -> Result<u64, Failure> {
    let failed = |error: io::Error| Failure::File { path: path.to_owned(), error };
    let Some(replaced) = replaced(path).map_err(failed)? else {
        let mut file = OpenOptions::new().write(true).open(path).await.map_err(failed)?;
        return written(write(&mut file).await, failed);
    };
    // A short name, because that of the file may have the length that the file system allows.
    let part = TemporaryFile(replaced.with_file_name(format!(".mlbench-{}.part", std::process::id())));
    let mut file = File::create(&part.0).await.map_err(failed)?;
    if let Ok(earlier) = fs::metadata(&replaced) {
        fs::set_permissions(&part.0, earlier.permissions()).map_err(failed)?;
    }
    let length = written(write(&mut file).await, failed)?;
    rename(&part.0, &replaced).await.map_err(failed)?;
    Ok(length)
}

/// Returns the file that a download replaces, behind symbolic links.
///
/// `None` for what nothing may replace: a device or a pipe.
fn replaced(path: &Path) -> io::Result<Option<PathBuf>> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(found) if found.is_file() => fs::canonicalize(path).map(Some),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::read_link(path) {
            Ok(target) => replaced(&path.with_file_name(target)),
            Err(_) => Ok(Some(path.to_owned())),
        },
        Err(error) => Err(error),
    }
}

fn written(result: Result<u64, Error>, failed: impl Fn(io::Error) -> Failure) -> Result<u64, Failure> {
    match result {
        Err(Error::Write(error)) => Err(failed(io::Error::new(error.kind(), error))),
        other => Ok(other?),
    }
}

/// A file that is removed unless it was renamed: after an error, and after Ctrl-C.
struct TemporaryFile(PathBuf);

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // This fails after a successful rename.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};

    use tokio::io::AsyncWriteExt as _;

    use super::*;

    async fn write_abc(path: &Path) -> Result<u64, Failure> {
        let write = async |file: &mut File| {
            file.write_all(b"abc").await.unwrap();
            file.flush().await.unwrap();
            Ok(3)
        };
        write_file(path, write).await
    }

    #[tokio::test]
    async fn a_download_replaces_a_file_with_its_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "earlier").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        symlink("file", &link).unwrap();
        assert_eq!(write_abc(&link).await.unwrap(), 3);
        assert!(link.is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"abc");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let nowhere = folder.path().join("nowhere");
        symlink("new", &nowhere).unwrap();
        write_abc(&nowhere).await.unwrap();
        assert!(nowhere.is_symlink());
        assert_eq!(fs::read(folder.path().join("new")).unwrap(), b"abc");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4, "no temporary file is left");
    }

    #[tokio::test]
    async fn a_download_goes_into_a_pipe_and_not_over_it() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
        let reader = tokio::task::spawn_blocking({
            let pipe = pipe.clone();
            move || fs::read(pipe).unwrap()
        });
        assert_eq!(write_abc(&pipe).await.unwrap(), 3);
        assert_eq!(reader.await.unwrap(), b"abc");
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
    }

    #[tokio::test]
    async fn a_directory_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let refused = write_abc(folder.path()).await.unwrap_err().to_string();
        assert!(refused.starts_with("--output-file: cannot write "), "{refused}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
