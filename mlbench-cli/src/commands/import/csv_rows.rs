//! The rows of a file of CSV, from a position on.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::path::Path;
use std::rc::Rc;

use csv::{ByteRecord, ReaderBuilder};

use super::batch::{Look, Position};
use super::open::open;

/// Longest row, in bytes.
const MAX_ROW: u64 = 1 << 20;
/// Follows the file, so that only a row with an end ends before it.
const BEHIND: &[u8] = b"x";

/// What comes next.
#[derive(Debug)]
pub(super) enum Next {
    /// A row.
    Row(ByteRecord),
    /// The beginning of a row, which has no end yet.
    Torn,
    /// The end of the file.
    End,
}

/// The rows of a file from a position on.
pub(super) struct Rows {
    csv: csv::Reader<Bounded>,
    begin: Position,
    /// Bytes from the position to the end of the file.
    length: u64,
    look: Look,
    left: Rc<Cell<u64>>,
}

impl Rows {
    /// Opens a file at a position.
    ///
    /// A last row without an end is torn, unless this is [`Look::Last`].
    pub(super) fn open(path: &Path, begin: Position, look: Look) -> io::Result<Self> {
        let mut file = open(path)?;
        // What is added later comes with the next batch.
        let length = file.metadata()?.len().saturating_sub(begin.byte);
        file.seek(SeekFrom::Start(begin.byte))?;
        let left = Rc::new(Cell::new(MAX_ROW));
        let behind = if look == Look::Last { &[] } else { BEHIND };
        let bounded = Bounded { bytes: file.take(length).chain(behind), left: Rc::clone(&left) };
        let csv = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(1 << 16)
            .from_reader(bounded);
        Ok(Self { csv, begin, length, look, left })
    }

    /// Returns what comes next.
    ///
    /// # Errors
    /// [`InvalidData`](io::ErrorKind::InvalidData) for a row that is too long.
    pub(super) fn next(&mut self) -> io::Result<Next> {
        let mut row = ByteRecord::new();
        self.left.set(MAX_ROW);
        match self.csv.read_byte_record(&mut row) {
            Ok(false) => Ok(Next::End),
            Ok(true) if self.look != Look::Last && self.csv.position().byte() > self.length => {
                let is_behind = row.len() == 1 && row.get(0) == Some(BEHIND);
                Ok(if is_behind { Next::End } else { Next::Torn })
            }
            Ok(true) => Ok(Next::Row(row)),
            Err(error) => match error.into_kind() {
                csv::ErrorKind::Io(error) => Err(error),
                other => Err(io::Error::other(format!("{other:?}"))),
            },
        }
    }

    /// Returns whether the file ends behind the rows that were returned.
    pub(super) fn is_at_end(&self) -> bool {
        self.csv.position().byte() >= self.length
    }

    /// Returns where the next row begins.
    pub(super) fn position(&self) -> Position {
        let read = self.csv.position();
        Position { byte: self.begin.byte + read.byte(), line: self.begin.line + read.line() - 1 }
    }
}

/// Returns the number of the line where a row begins, from 1. `end` is behind the row.
///
/// The file is read once more, because rows are rarely reported.
pub(super) fn line_of(path: &Path, begin: Position, end: u64, row: &ByteRecord) -> u64 {
    let before = || {
        let mut file = open(path)?;
        file.seek(SeekFrom::Start(begin.byte))?;
        // The last byte may be the newline of the row itself.
        lines_in(file.take(end.saturating_sub(begin.byte).saturating_sub(1)))
    };
    begin.line + 1 + before().unwrap_or(0).saturating_sub(lines(row.as_slice()))
}

/// Counts the newlines in bounded memory.
fn lines_in(bytes: impl Read) -> io::Result<u64> {
    let (mut bytes, mut count, mut piece) = (BufReader::new(bytes), 0, [0; 1 << 14]);
    loop {
        match bytes.read(&mut piece) {
            Ok(0) => return Ok(count),
            Ok(read) => count += lines(&piece[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|&&byte| byte == b'\n').count() as u64
}

/// Returns whether more of a row has come that had no end when it was read.
pub(super) fn has_grown_in_a_row(path: &Path, begin: Position) -> io::Result<bool> {
    let Some(before) = begin.byte.checked_sub(1) else { return Ok(false) };
    let mut file = open(path)?;
    file.seek(SeekFrom::Start(before))?;
    let mut around = Vec::with_capacity(2);
    file.take(2).read_to_end(&mut around)?;
    Ok(matches!(around[..], [last, next] if !is_end(last) && !is_end(next)))
}

/// Returns whether the byte before a position ends a row.
pub(super) fn ends_a_row(path: &Path, at: Position) -> io::Result<bool> {
    let Some(before) = at.byte.checked_sub(1) else { return Ok(true) };
    let (mut file, mut last) = (open(path)?, [0]);
    file.seek(SeekFrom::Start(before))?;
    file.read_exact(&mut last)?;
    Ok(is_end(last[0]))
}

fn is_end(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r'
}

/// A part of a file that fails where a row is too long.
struct Bounded {
    bytes: io::Chain<io::Take<File>, &'static [u8]>,
    /// Bytes that the row may still have.
    left: Rc<Cell<u64>>,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let read = self.bytes.read(&mut buffer[..most])?;
        self.left.set(left - read as u64);
        Ok(read)
    }
}
