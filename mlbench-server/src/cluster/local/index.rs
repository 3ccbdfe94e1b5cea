//! When the output of a rank came: an index over both of its streams.
//!
//! Each record is three little-endian numbers: microseconds since 1970, and the sizes of standard output and standard
//! error at that time. Sizes never fall, so a reader finds its place by a binary search.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use mlbench_core::Timestamp;

use super::holes;
use crate::cluster::rank::{Arrival, Offsets};

const FILE: &str = "arrivals";
const RECORD_BYTES: usize = 24;
/// Size on the disk beyond which the index gets only one record per [`COARSE_INTERVAL`].
const MAX_BYTES: u64 = 4 << 20;
const COARSE_INTERVAL: Duration = Duration::from_secs(10);
/// Number of records that a reader takes from the file at once.
const PAGE_RECORDS: u64 = 16 * 1024;
/// Records that stay behind a reader, which may return to where it has stored.
const KEPT_RECORDS: u64 = 4 * 1024;

/// Writes the index.
pub(super) struct IndexWriter {
    file: File,
    last: Option<Instant>,
}

impl IndexWriter {
    pub(super) fn open(dir: &Path) -> io::Result<Self> {
        Ok(Self { file: OpenOptions::new().append(true).create(true).open(dir.join(FILE))?, last: None })
    }

    /// Records that the streams have grown to these sizes just now.
    pub(super) fn arrived(&mut self, ends: Offsets) {
        let is_large = self.file.metadata().is_ok_and(|file| file.blocks() * 512 > MAX_BYTES);
        if is_large && self.last.is_some_and(|last| last.elapsed() < COARSE_INTERVAL) {
            return;
        }
        self.last = Some(Instant::now());
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let micros = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        let record = [micros, ends.stdout, ends.stderr].map(u64::to_le_bytes).concat();
        // A missing record only makes dates less exact, and a part of one at a full disk is cut off again.
        if let Ok(before) = self.file.metadata().map(|file| file.len())
            && self.file.write_all(&record).is_err()
        {
            let _ = self.file.set_len(before);
        }
    }
}

/// Reads when `stdout` and `stderr` bytes after `from` came, in the order in which they came.
///
/// Leaves out what the index does not cover: it came last. Gives back the disk space of earlier records.
pub(super) fn arrivals(dir: &Path, from: Offsets, stdout: usize, stderr: usize) -> Vec<Arrival> {
    let Ok(file) = OpenOptions::new().read(true).write(true).open(dir.join(FILE)) else { return Vec::new() };
    read(&file, from, stdout as u64, stderr as u64).unwrap_or_default()
}

fn read(file: &File, from: Offsets, stdout: u64, stderr: u64) -> io::Result<Vec<Arrival>> {
    let count = file.metadata()?.len() / RECORD_BYTES as u64;
    let (mut first, mut end) = (0, count);
    while first < end {
        let middle = first + (end - first) / 2;
        let (_, ends) = records(file, middle, 1)?[0];
        if ends.stdout > from.stdout || ends.stderr > from.stderr {
            end = middle;
        } else {
            first = middle + 1;
        }
    }
    holes::punch(file, first.saturating_sub(KEPT_RECORDS) * RECORD_BYTES as u64);
    let (mut arrivals, mut at) = (Vec::new(), from);
    let last =
        Offsets { stdout: from.stdout.saturating_add(stdout), stderr: from.stderr.saturating_add(stderr) };
    // The size of the index bounds their number.
    while first < count && at != last {
        let page = records(file, first, (count - first).min(PAGE_RECORDS))?;
        first += page.len() as u64;
        for (date, ends) in page {
            let to = Offsets {
                stdout: ends.stdout.clamp(at.stdout, last.stdout),
                stderr: ends.stderr.clamp(at.stderr, last.stderr),
            };
            if to != at {
                let count = |to: u64, from: u64| usize::try_from(to - from).unwrap_or(usize::MAX);
                let (stdout, stderr) = (count(to.stdout, at.stdout), count(to.stderr, at.stderr));
                arrivals.push(Arrival { date, stdout, stderr });
            }
            at = to;
        }
    }
    Ok(arrivals)
}

fn records(file: &File, first: u64, count: u64) -> io::Result<Vec<(Timestamp, Offsets)>> {
    let mut bytes = vec![0; usize::try_from(count).unwrap_or(0) * RECORD_BYTES];
    file.read_exact_at(&mut bytes, first * RECORD_BYTES as u64)?;
    let (records, _) = bytes.as_chunks::<RECORD_BYTES>();
    let number = |record: &[u8; RECORD_BYTES], at: usize| {
        let (words, _) = record.as_chunks::<8>();
        u64::from_le_bytes(words[at])
    };
    let parse = |record| {
        let micros = i64::try_from(number(record, 0)).unwrap_or(i64::MAX);
        let ends = Offsets { stdout: number(record, 1), stderr: number(record, 2) };
        (Timestamp::from_micros(micros), ends)
    };
    Ok(records.iter().map(parse).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_many_short_lines_has_its_own_date() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = IndexWriter::open(dir.path()).unwrap();
        let lines = 2 * PAGE_RECORDS + 100;
        for line in 1..=lines {
            writer.arrived(Offsets { stdout: 2 * line, stderr: 0 });
        }
        let written = arrivals(dir.path(), Offsets::default(), usize::try_from(2 * lines).unwrap(), 0);
        assert_eq!(written.len() as u64, lines);
        assert!(written.iter().all(|one| (one.stdout, one.stderr) == (2, 0)));
        assert!(written.is_sorted_by_key(|one| one.date));
        let from = Offsets { stdout: 2 * lines - 3, stderr: 0 };
        let rest: Vec<usize> = arrivals(dir.path(), from, 3, 0).iter().map(|one| one.stdout).collect();
        assert_eq!(rest, [1, 2]);
    }
}
