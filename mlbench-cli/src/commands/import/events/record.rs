//! The frame of a record: its length and its content, each followed by a checksum.

use std::io::{self, Read};

/// Bytes before the content: the length, and its checksum.
const HEADER: usize = 12;
/// Bytes behind the content: its checksum.
const FOOTER: usize = 4;
/// Longest content that is kept in memory.
const MAX_HELD: u64 = 64 << 20;
/// Longest content: a message of protocol buffers has no more.
const MAX_LENGTH: u64 = i32::MAX as u64;

/// What comes next in a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// A record of this many bytes, whose content is in the buffer.
    Whole(u64),
    /// A record of this many bytes, which is too long to be kept.
    Long(u64),
    /// The end of the file.
    End,
    /// The beginning of a record that the file does not hold whole.
    Incomplete,
    /// Bytes that are no record.
    Damaged(String),
}

/// Reads the next record, its content into `buffer`, which grows only with what the file holds.
pub(super) fn read_record(file: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<Record> {
    let mut header = [0; HEADER];
    match fill(file, &mut header)? {
        0 => return Ok(Record::End),
        HEADER => {}
        _ => return Ok(Record::Incomplete),
    }
    let Some(length) = length(header) else {
        return Ok(Record::Damaged("the length of a record has a wrong checksum".to_owned()));
    };
    if length > MAX_LENGTH {
        return Ok(Record::Damaged(format!("a record of {length} bytes is longer than any event")));
    }
    buffer.clear();
    let (read, found) = if length > MAX_HELD {
        checksum_of(&mut file.take(length), buffer)?
    } else {
        let read = file.take(length).read_to_end(buffer)? as u64;
        (read, crc32c::crc32c(buffer))
    };
    let mut footer = [0; FOOTER];
    if read < length || fill(file, &mut footer)? < FOOTER {
        return Ok(Record::Incomplete);
    }
    if masked(found) != u32::from_le_bytes(footer) {
        return Ok(Record::Damaged(format!("a record of {length} bytes has a wrong checksum")));
    }
    let whole = (HEADER + FOOTER) as u64 + length;
    Ok(if length > MAX_HELD { Record::Long(whole) } else { Record::Whole(whole) })
}

/// Returns whether a file begins with a record.
pub(in super::super) fn begins_with_record(file: &mut impl Read) -> io::Result<bool> {
    let mut header = [0; HEADER];
    Ok(fill(file, &mut header)? == HEADER && length(header).is_some())
}

/// Returns the length in a header whose checksum is right.
fn length(header: [u8; HEADER]) -> Option<u64> {
    let [a, b, c, d, e, f, g, h, checksum @ ..] = header;
    let length = [a, b, c, d, e, f, g, h];
    (masked(crc32c::crc32c(&length)) == u32::from_le_bytes(checksum)).then(|| u64::from_le_bytes(length))
}

/// Reads to the end in pieces, and returns the number of bytes and their checksum.
fn checksum_of(content: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<(u64, u32)> {
    let (mut length, mut checksum) = (0, 0);
    loop {
        buffer.clear();
        let read = content.take(1 << 20).read_to_end(buffer)?;
        if read == 0 {
            return Ok((length, checksum));
        }
        length += read as u64;
        checksum = crc32c::crc32c_append(checksum, buffer);
    }
}

/// Reads until the buffer is full or the file ends, and returns the number of bytes.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Returns a checksum as it is in the file, where records may hold checksums themselves.
pub(super) const fn masked(checksum: u32) -> u32 {
    checksum.rotate_right(15).wrapping_add(0xa282_ead8)
}
