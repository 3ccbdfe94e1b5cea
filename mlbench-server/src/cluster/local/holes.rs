//! Gives back the disk space of the beginning of a file, whose offsets stay the same.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;

use rustix::fs::{FallocateFlags, fallocate};

/// Least number of bytes that are worth a system call.
const MIN_BYTES: u64 = 64 * 1024;

/// Frees the space of the bytes before `end`, where the file system can, unless it is little.
pub(super) fn punch(file: &File, end: u64) {
    let Ok(metadata) = file.metadata() else { return };
    let behind = (metadata.blocks() * 512).saturating_sub(metadata.len().saturating_sub(end));
    if end == 0 || behind < MIN_BYTES {
        return;
    }
    // Some file systems cannot. The limit then counts the whole file.
    if let Err(error) = fallocate(file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, 0, end) {
        tracing::trace!(%error, "cannot punch a hole");
    }
}
