//! The end of a zip archive, which says how much its directory takes in memory.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

/// Length of the last record of an archive without a comment.
const LENGTH: u64 = 22;
/// Length of the record before it in an archive of more than 4 GiB.
const LARGE_LENGTH: u64 = 20;
/// Bytes of directory per file: a short name, and little else.
const MOST_PER_FILE: usize = 512;

/// Returns whether the archive ends as one with this many files, and has a small directory.
pub(super) fn ends_with(file: &mut File, files: usize) -> io::Result<bool> {
    let length = file.seek(SeekFrom::End(0))?;
    if length < LENGTH + LARGE_LENGTH {
        return Ok(false);
    }
    file.seek(SeekFrom::Start(length - LENGTH - LARGE_LENGTH))?;
    let mut end = [0; (LENGTH + LARGE_LENGTH) as usize];
    file.read_exact(&mut end)?;
    let (large, record) = end.split_at(LARGE_LENGTH as usize);
    let short = |at: usize| usize::from(u16::from_le_bytes([record[at], record[at + 1]]));
    let directory = short(12) | (short(14) << 16);
    Ok(record.starts_with(b"PK\x05\x06")
        && !large.starts_with(b"PK\x06\x07")
        && (short(8), short(10), short(20)) == (files, files, 0)
        && directory <= files * MOST_PER_FILE)
}
