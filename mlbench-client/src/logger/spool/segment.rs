//! [`Segment`]: a file of records.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use super::record::{HEADER, Header, SENT, passed_over};
use crate::logger::batch::Batch;

/// A file of records, the first of which may be sent already.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    file: File,
    /// Length of the file up to the end of its last whole record.
    pub(super) length: u64,
    /// The records that wait for the server.
    waiting: VecDeque<Place>,
    /// What was skipped because it is damaged.
    pub(super) damage: Vec<Damage>,
}

/// A part of a segment that is no whole record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damage {
    pub(super) offset: u64,
    pub(super) bytes: u64,
    /// The number of its metrics, where that can still be read.
    pub(super) count: Option<u64>,
}

/// Bytes in which the next record is looked for at once.
const WINDOW: u64 = 1 << 20;

/// A record in a segment.
#[derive(Debug, Clone, Copy)]
struct Place {
    offset: u64,
    count: u64,
}

impl Segment {
    /// Opens a segment, or creates it, and finds the whole records in it.
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        let end = file.metadata()?.len();
        let mut segment = Self { path, file, length: 0, waiting: VecDeque::new(), damage: Vec::new() };
        let mut at = 0;
        while at < end {
            if let Some((header, batch)) = segment.read(at)? {
                if !header.is_sent {
                    segment.waiting.push_back(Place { offset: at, count: batch.count });
                }
                at += header.size();
                segment.length = at;
                continue;
            }
            // The length of a damaged record may be wrong, so the next one is looked for.
            let header = segment.header(at)?;
            let next = segment.find_record(at + 1, end)?.unwrap_or(end);
            let is_sent = header.is_some_and(|header| header.is_sent && at + header.size() == next);
            if !is_sent {
                let count = header.map(|header| u64::from(header.count));
                segment.damage.push(Damage { offset: at, bytes: next - at, count });
            }
            at = next;
        }
        Ok(segment)
    }

    /// Cuts off what follows the last whole record, or everything where no record waits.
    pub(super) fn cut(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            self.length = 0;
        }
        self.file.set_len(self.length)
    }

    /// Marks the damaged parts as sent, so that the next logger does not report them as lost again.
    pub(super) fn pass_over_damage(&mut self) -> io::Result<()> {
        for part in self.damage.iter().filter(|part| part.offset + part.bytes <= self.length) {
            if let Some(header) = passed_over(part.bytes) {
                self.file.seek(SeekFrom::Start(part.offset))?;
                self.file.write_all(&header)?;
            }
        }
        Ok(())
    }

    /// Returns where the next whole record begins.
    fn find_record(&mut self, mut from: u64, end: u64) -> io::Result<Option<u64>> {
        let mut bytes = Vec::new();
        while from + HEADER as u64 <= end {
            bytes.clear();
            self.file.seek(SeekFrom::Start(from))?;
            (&mut self.file).take(WINDOW).read_to_end(&mut bytes)?;
            let headers = bytes.array_windows::<HEADER>();
            let starts: Vec<u64> = (from..)
                .zip(headers)
                .filter(|(_, bytes)| Header::parse(bytes).is_some())
                .map(|(at, _)| at)
                .collect();
            for at in starts {
                if self.read(at)?.is_some() {
                    return Ok(Some(at));
                }
            }
            from += (bytes.len() + 1).saturating_sub(HEADER).max(1) as u64;
        }
        Ok(None)
    }

    /// Reads the header at `offset`. `None` where none is.
    fn header(&mut self, offset: u64) -> io::Result<Option<Header>> {
        let mut bytes = Vec::with_capacity(HEADER);
        self.file.seek(SeekFrom::Start(offset))?;
        (&mut self.file).take(HEADER as u64).read_to_end(&mut bytes)?;
        Ok(<&[u8; HEADER]>::try_from(&bytes[..]).ok().and_then(Header::parse))
    }

    /// Reads the record at `offset`. `None` where no whole record is.
    fn read(&mut self, offset: u64) -> io::Result<Option<(Header, Batch)>> {
        let left = self.file.metadata()?.len().saturating_sub(offset);
        let header = self.header(offset)?.filter(|header| header.size() <= left);
        let Some(header) = header else { return Ok(None) };
        let mut body = vec![0; header.length as usize];
        self.file.read_exact(&mut body)?;
        Ok(header.batch(body.into()).map(|batch| (header, batch)))
    }

    /// Appends a record of `count` metrics.
    pub(super) fn append(&mut self, record: &[u8], count: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.length))?;
        if let Err(error) = self.file.write_all(record) {
            // The next record is written over what is left of this one.
            let _ = self.file.set_len(self.length);
            return Err(error);
        }
        self.waiting.push_back(Place { offset: self.length, count });
        self.length += record.len() as u64;
        Ok(())
    }

    /// Returns the number of metrics in the first record that waits.
    pub(super) fn first_count(&self) -> Option<u64> {
        self.waiting.front().map(|place| place.count)
    }

    /// Returns the number of metrics in all records that wait.
    pub(super) fn count(&self) -> u64 {
        self.waiting.iter().map(|place| place.count).sum()
    }

    /// Reads the first record that waits.
    ///
    /// # Errors
    /// The place of the record and why it cannot be read.
    pub(super) fn first(&mut self) -> Result<Option<Batch>, String> {
        let Some(&Place { offset, .. }) = self.waiting.front() else { return Ok(None) };
        let cause = match self.read(offset) {
            Ok(Some((_, batch))) => return Ok(Some(batch)),
            Ok(None) => "it has changed since it was written".to_owned(),
            Err(error) => error.to_string(),
        };
        Err(format!("byte {offset} of {}: {cause}", self.name()))
    }

    /// Returns the name of the file.
    pub(super) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Removes the first record that waits, and the content of the file with the last one.
    ///
    /// If the disk does not take that, a later program sends the record again under the same key.
    pub(super) fn remove_first(&mut self) {
        let Some(Place { offset, .. }) = self.waiting.pop_front() else { return };
        if self.waiting.is_empty() {
            if self.file.set_len(0).is_ok() {
                self.length = 0;
            }
        } else if self.file.seek(SeekFrom::Start(offset)).is_ok() {
            let _ = self.file.write_all(&[SENT]);
        }
    }
}
