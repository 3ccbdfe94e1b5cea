//! The segments of a directory, within a limit and under a lock.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use mlbench_core::quote::{quote, shorten};

use super::record;
use super::segment::Segment;
use crate::error::{Error, Result};
use crate::logger::batch::Batch;

/// Smallest limit of a spool.
const MIN_LIMIT: u64 = 64 << 10;
/// Segments that a full spool has: the space of one is free again once all of it is sent.
const SEGMENTS: u64 = 8;
/// The file that is locked. It names the server.
const LOCK: &str = "lock";
/// End of the names of segments.
const SUFFIX: &str = "spool";
/// Longest name of a server that is read.
const MAX_SERVER: u64 = 4096;

/// Batches that wait for the server in a directory, in the order in which they were recorded.
#[derive(Debug)]
pub(crate) struct Spool {
    directory: PathBuf,
    limit: u64,
    segments: VecDeque<Segment>,
    next_number: u64,
    /// The number of metrics lost by damage, and where.
    damage: Option<(u64, Error)>,
    /// Locked until it is closed.
    lock: File,
}

impl Spool {
    /// Opens the spool for the server at `server`, or creates it.
    pub(crate) fn open(directory: &Path, limit: u64, server: &str) -> Result<Self> {
        let failed = |error: io::Error| Error::Spool {
            spool: shorten(&directory.to_string_lossy()).into_owned(),
            cause: format!("cannot be used: {error}; name a directory that can be written"),
        };
        fs::create_dir_all(directory).map_err(failed)?;
        let lock = lock(directory).map_err(failed)?.ok_or_else(|| Error::Spool {
            spool: shorten(&directory.to_string_lossy()).into_owned(),
            cause: "another logger uses it; give each logger a directory of its own".to_owned(),
        })?;
        let mut numbers = numbers(directory).map_err(failed)?;
        numbers.sort_unstable();
        let next_number = numbers.last().map_or(0, |last| last + 1);
        let segments = numbers.into_iter().map(|number| Segment::open(segment(directory, number)));
        let segments = segments.collect::<io::Result<VecDeque<_>>>().map_err(failed)?;
        let mut spool = Self {
            directory: directory.to_owned(),
            limit: limit.max(MIN_LIMIT),
            segments,
            next_number,
            damage: None,
            lock,
        };
        spool.claim(server, failed)?;
        spool.segments.iter_mut().try_for_each(Segment::cut).map_err(failed)?;
        spool.damage = spool.describe_damage();
        spool.segments.iter_mut().try_for_each(Segment::pass_over_damage).map_err(failed)?;
        spool.remove_empty();
        Ok(spool)
    }

    /// Returns how many metrics were lost because parts of the spool are damaged, and where.
    ///
    /// A part counts as one metric where its number cannot be read.
    pub(crate) fn damage(&self) -> Option<(u64, Error)> {
        self.damage.clone()
    }

    fn describe_damage(&self) -> Option<(u64, Error)> {
        let parts: Vec<_> = self
            .segments
            .iter()
            .flat_map(|segment| segment.damage.iter().map(move |part| (segment, part)))
            .collect();
        let &(segment, first) = parts.first()?;
        let bytes: u64 = parts.iter().map(|(_, part)| part.bytes).sum();
        let metrics = match first.count {
            Some(1) => "1 metric".to_owned(),
            Some(count) => format!("{count} metrics"),
            None => "an unknown number of metrics".to_owned(),
        };
        let others = match parts.len() {
            1 => String::new(),
            _ => format!(", and {} other parts; {bytes} bytes together", parts.len() - 1),
        };
        let cause = format!(
            "skipped {} damaged bytes with {metrics} at byte {} of {}{others}; all else is sent",
            first.bytes,
            first.offset,
            segment.name()
        );
        let lost = parts.iter().map(|(_, part)| part.count.unwrap_or(1).max(1)).sum();
        Some((lost, self.error(cause)))
    }

    fn error(&self, cause: String) -> Error {
        Error::Spool { spool: shorten(&self.directory.to_string_lossy()).into_owned(), cause }
    }

    /// Notes the server in the lock file, if no batch waits for another one.
    fn claim(&mut self, server: &str, failed: impl Fn(io::Error) -> Error) -> Result<()> {
        let mut text = String::new();
        (&mut self.lock).take(MAX_SERVER).read_to_string(&mut text).map_err(&failed)?;
        let (known, waiting) = (text.trim(), self.count());
        if known == server {
            return Ok(());
        }
        if waiting > 0 && !known.is_empty() {
            return Err(Error::Spool {
                spool: shorten(&self.directory.to_string_lossy()).into_owned(),
                cause: format!(
                    "holds metrics for {}, not for {}; use it with that server once, or remove it",
                    quote(known),
                    quote(server)
                ),
            });
        }
        write_server(&mut self.lock, server).map_err(failed)
    }

    /// Returns the number of metrics that wait.
    pub(crate) fn count(&self) -> u64 {
        self.segments.iter().map(Segment::count).sum()
    }

    /// Returns the size of batches that the spool is made for.
    pub(crate) fn batch_size(&self) -> usize {
        usize::try_from(self.limit / SEGMENTS).unwrap_or(usize::MAX)
    }

    /// Appends a batch and returns `true`, or `false` if it has no room for it.
    pub(crate) fn append(&mut self, batch: &Batch) -> io::Result<bool> {
        let Some(record) = record::encode(batch) else { return Ok(false) };
        let length: u64 = self.segments.iter().map(|segment| segment.length).sum();
        if length + record.len() as u64 > self.limit {
            return Ok(false);
        }
        let is_full = |segment: &Segment| segment.length >= self.limit / SEGMENTS;
        if self.segments.back().is_none_or(is_full) {
            self.segments.push_back(Segment::open(segment(&self.directory, self.next_number))?);
            self.next_number += 1;
        }
        if let Some(last) = self.segments.back_mut() {
            last.append(&record, batch.count)?;
        }
        Ok(true)
    }

    /// Reads the first batch.
    ///
    /// # Errors
    /// The number of metrics in a batch that cannot be read, and why.
    pub(crate) fn first(&mut self) -> Result<Option<Batch>, (u64, Error)> {
        let Some(segment) = self.segments.iter_mut().find(|segment| segment.first_count().is_some()) else {
            return Ok(None);
        };
        let count = segment.first_count().unwrap_or_default();
        segment.first().map_err(|cause| (count, self.error(format!("cannot read the batch at {cause}"))))
    }

    /// Removes the first batch.
    pub(crate) fn remove_first(&mut self) {
        if let Some(segment) = self.segments.iter_mut().find(|segment| segment.first_count().is_some()) {
            segment.remove_first();
        }
        self.remove_empty();
    }

    /// Removes the segments in front that hold nothing, but for the last one.
    fn remove_empty(&mut self) {
        while self.segments.len() > 1 && self.segments[0].first_count().is_none() {
            if let Some(segment) = self.segments.pop_front() {
                // One that stays is found at the next start, and its records are marked as sent.
                let _ = fs::remove_file(&segment.path);
            }
        }
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }
}

fn write_server(lock: &mut File, server: &str) -> io::Result<()> {
    lock.set_len(0)?;
    lock.seek(SeekFrom::Start(0))?;
    writeln!(lock, "{server}")
}

/// Opens and locks the lock file. `None` if somebody else holds the lock.
fn lock(directory: &Path) -> io::Result<Option<File>> {
    let path = directory.join(LOCK);
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn segment(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:012}.{SUFFIX}"))
}

/// Returns the numbers of the segments in a directory.
fn numbers(directory: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.split_once('.'));
        if let Some((number, SUFFIX)) = number {
            numbers.extend(number.parse::<u64>().ok());
        }
    }
    Ok(numbers)
}
