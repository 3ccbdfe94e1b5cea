//! [`Segment`]: a file of records.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use super::record::{HEADER, Header, SENT};
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
}

/// A record in a segment.
#[derive(Debug, Clone, Copy)]
struct Place {
    offset: u64,
    count: u64,
}

impl Segment {
    /// Opens a segment, or creates it, and cuts off what the end of a program has left incomplete.
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        let mut segment = Self { path, file, length: 0, waiting: VecDeque::new() };
        while let Some((header, batch)) = segment.read(segment.length)? {
            match batch {
                Some(batch) if !header.is_sent => {
                    segment.waiting.push_back(Place { offset: segment.length, count: batch.count });
                }
                Some(_) => {}
                None => {
                    let file = segment.path.display();
                    tracing::warn!(%file, count = header.count, "skipped a damaged batch of a spool");
                }
            }
            segment.length += HEADER as u64 + u64::from(header.length);
        }
        if segment.file.metadata()?.len() > segment.length {
            tracing::warn!(file = %segment.path.display(), "skipped an incomplete batch at the end of a spool");
            segment.file.set_len(segment.length)?;
        }
        Ok(segment)
    }

    /// Reads the record at `offset`, without its batch if it is damaged. `None` where no whole record is.
    fn read(&mut self, offset: u64) -> io::Result<Option<(Header, Option<Batch>)>> {
        let left = self.file.metadata()?.len().saturating_sub(offset);
        if left < HEADER as u64 {
            return Ok(None);
        }
        self.file.seek(SeekFrom::Start(offset))?;
        let mut bytes = [0; HEADER];
        self.file.read_exact(&mut bytes)?;
        let header = Header::parse(&bytes).filter(|header| u64::from(header.length) <= left - HEADER as u64);
        let Some(header) = header else { return Ok(None) };
        let mut body = vec![0; header.length as usize];
        self.file.read_exact(&mut body)?;
        let batch = header.batch(body.into());
        Ok(Some((header, batch)))
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
    pub(super) fn first(&mut self) -> io::Result<Option<Batch>> {
        let Some(&Place { offset, .. }) = self.waiting.front() else { return Ok(None) };
        let lost = || io::Error::new(io::ErrorKind::InvalidData, "the record has changed");
        self.read(offset)?.and_then(|(_, batch)| batch).map(Some).ok_or_else(lost)
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
