//! The file that names the address of the server, also on a full disk.

use std::fs::OpenOptions;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

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
        Self { path, prepared: PreparedFile::write(path, &text), text }
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
    fn the_file_of_an_earlier_server_is_overwritten_when_there_is_no_room_for_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("address");
        let publish = |error: io::ErrorKind| {
            let text = "127.0.0.1:80\n".to_owned();
            AddressFile { path: &path, text, prepared: Err(error.into()) }.publish()
        };
        assert!(publish(io::ErrorKind::StorageFull).unwrap_err().starts_with("--address-file "));
        assert!(!path.exists());
        std::fs::write(&path, "127.0.0.1:65000\n").unwrap();
        assert!(publish(io::ErrorKind::PermissionDenied).is_err());
        publish(io::ErrorKind::StorageFull).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "127.0.0.1:80\n");
    }
}
