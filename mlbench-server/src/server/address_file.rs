//! The file that names the address of the server, also on a full disk.

use std::fs::{self, OpenOptions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::files::PreparedFile;

/// The address file, which readers see once the server responds.
pub(super) struct AddressFile<'a> {
    path: &'a Path,
    text: String,
    prepared: io::Result<PreparedFile>,
}

impl<'a> AddressFile<'a> {
    /// Takes room for the file, before the other parts of the server take what there is.
    pub(super) fn prepare(path: &'a Path, address: SocketAddr) -> Self {
        let text = format!("{address}\n");
        let prepared = replaced(path).and_then(|path| PreparedFile::write(&path, &text));
        Self { path, prepared, text }
    }

    /// Shows the file to its readers.
    ///
    /// Without room for a new file it overwrites that of an earlier server.
    ///
    /// # Errors
    /// A message for the operator.
    pub(super) fn publish(self) -> Result<(), String> {
        let Self { path, text, prepared } = self;
        let published = match prepared {
            Ok(prepared) => prepared.publish(),
            Err(error) if is_full(&error) => overwrite(path, &text).map_err(|_| error),
            Err(error) => Err(error),
        };
        published.map_err(|error| format!("--address-file {}: cannot write: {error}", path.display()))
    }
}

/// Returns the file that a new one replaces, behind symbolic links. A device or a pipe stays as it is.
fn replaced(path: &Path) -> io::Result<PathBuf> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => fs::canonicalize(path),
        Ok(_) => Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file; name another one")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::read_link(path) {
            Ok(target) => replaced(&path.with_file_name(target)),
            Err(_) => Ok(path.to_owned()),
        },
        Err(error) => Err(error),
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn overwrite(path: &Path, text: &str) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.write_all_at(text.as_bytes(), 0)?;
    file.set_len(text.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_regular_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let publish = |path: &Path| AddressFile::prepare(path, ([127, 0, 0, 1], 80).into()).publish();
        let (file, link, socket) =
            (folder.path().join("file"), folder.path().join("link"), folder.path().join("socket"));
        fs::write(&file, "earlier").unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        publish(&link).unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "127.0.0.1:80\n");
        let nowhere = folder.path().join("nowhere");
        std::os::unix::fs::symlink("new", &nowhere).unwrap();
        publish(&nowhere).unwrap();
        assert!(nowhere.is_symlink());
        assert_eq!(fs::read_to_string(folder.path().join("new")).unwrap(), "127.0.0.1:80\n");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for other in [&socket, folder.path()] {
            assert!(publish(other).unwrap_err().ends_with("not a regular file; name another one"));
        }
        assert!(!fs::metadata(&socket).unwrap().is_file());
    }

    #[test]
    fn the_file_of_an_earlier_server_is_overwritten_when_there_is_no_room_for_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("address");
        let publish = |error: io::ErrorKind| {
            let text = "127.0.0.1:80\n".to_owned();
            AddressFile { path: &path, text, prepared: Err(error.into()) }.publish()
        };
        assert!(publish(io::ErrorKind::StorageFull).unwrap_err().starts_with("--address-file "));
        assert!(!path.exists());
        fs::write(&path, "127.0.0.1:65000\n").unwrap();
        assert!(publish(io::ErrorKind::PermissionDenied).is_err());
        publish(io::ErrorKind::StorageFull).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "127.0.0.1:80\n");
    }
}
