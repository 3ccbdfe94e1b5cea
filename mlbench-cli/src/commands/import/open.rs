//! Opens files that can be read again from any position.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::batch::Position;

/// Bytes before a position that must be the same when a file is read from there.
const TAIL: u64 = 4096;

/// Opens a file for reading, without waiting for a writer as a named pipe does.
///
/// # Errors
/// For everything but files, with what it is and what to do instead.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = OpenOptions::new().read(true).custom_flags(nonblock).open(path)?;
    let kind = file.metadata()?.file_type();
    let what = match kind {
        _ if kind.is_file() => return Ok(file),
        _ if kind.is_dir() => "a directory, which cannot be read as a file",
        _ if kind.is_fifo() => "a pipe, which cannot be read twice; write it to a file first",
        _ => "a device, which cannot be read twice; copy it to a file first",
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("is {what}")))
}

/// Returns a checksum of the bytes before a position, which is another one if the file is another one.
pub(super) fn checksum_before(path: &Path, at: Position) -> io::Result<u32> {
    let begin = at.byte.saturating_sub(TAIL);
    let (mut file, mut bytes) = (open(path)?, Vec::new());
    file.seek(SeekFrom::Start(begin))?;
    file.take(at.byte - begin).read_to_end(&mut bytes)?;
    Ok(crc32c::crc32c(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_twice_is_named_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap();
        let refused = |path: &Path| open(path).unwrap_err().to_string();
        assert_eq!(refused(&pipe), "is a pipe, which cannot be read twice; write it to a file first");
        assert!(refused(Path::new("/dev/zero")).starts_with("is a device"), "{}", refused(&pipe));
        assert!(refused(folder.path()).starts_with("is a directory"));
    }

    #[test]
    fn other_bytes_before_a_position_are_noticed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let at = Position { byte: 6, line: 0 };
        let checksum = |text: &str| {
            std::fs::write(file.path(), text).unwrap();
            checksum_before(file.path(), at).unwrap()
        };
        assert_eq!(checksum("a\n1,2\n"), checksum("a\n1,2\n3,4\n"));
        assert_ne!(checksum("a\n1,2\n"), checksum("a\n1,3\n3,4\n"));
    }
}
