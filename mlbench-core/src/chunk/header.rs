//! The header of a chunk: what is known of its points without its body.

use super::cell::Cell;
use super::column::{Layout, put_column, read_column};
use super::columns::Columns;
use super::constants::{MAX_POINTS, PAGE_POINTS};
use super::error::ChunkError;
use super::summary::PageSummary;
use super::wire::{Reader, put_section, put_varint};
use crate::time::Timestamp;

/// The version of the format that is written. All from [`OLDEST`] on are read, and another one is refused.
///
/// Version 2 has one more layout of columns than version 1.
const VERSION: u8 = 2;
const OLDEST: u8 = 1;
const PART: &str = "header";

/// What is known of a chunk without its body.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    first: i64,
    last: i64,
    seqs: (i64, i64),
    pages: Vec<PageSummary>,
    summary: PageSummary,
    body: (usize, u32),
}

impl Header {
    /// Reads a header.
    ///
    /// # Errors
    ///
    /// When the header is damaged, or was written by a later version.
    pub fn parse(bytes: &[u8]) -> Result<Self, ChunkError> {
        let (bytes, checksum) = bytes.split_last_chunk::<4>().ok_or_else(|| ChunkError::short(PART))?;
        if crc32fast::hash(bytes) != u32::from_le_bytes(*checksum) {
            return Err(ChunkError::new(PART, "has another checksum"));
        }
        let mut reader = Reader::new(bytes, PART);
        let version = reader.byte()?;
        if !(OLDEST..=VERSION).contains(&version) {
            let problem = format!("has version {version}, this program reads {OLDEST} to {VERSION}");
            return Err(reader.error(problem));
        }
        let count = reader.length(MAX_POINTS)?;
        if count == 0 {
            return Err(reader.error("has no points"));
        }
        let lowest = i64::take(&mut reader)?;
        let mut seq = || Ok::<i64, ChunkError>(lowest.wrapping_add(i64::take(&mut reader)?));
        let (seqs, first, last) = ((lowest, seq()?), seq()?, seq()?);
        let body = (reader.length(usize::MAX)?, u32::from_le_bytes(reader.array()?));
        let pages = read_pages(reader, count)?;
        let summary = PageSummary::combine(&pages).ok_or_else(|| reader.error("has no pages"))?;
        Ok(Self { first, last, seqs, pages, summary, body })
    }

    /// Returns the number of points.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.summary.points as usize
    }

    /// Returns the date and the arrival number of the first point.
    #[must_use]
    pub const fn first(&self) -> (Timestamp, i64) {
        (self.summary.start, self.first)
    }

    /// Returns the date and the arrival number of the last point.
    #[must_use]
    pub const fn last(&self) -> (Timestamp, i64) {
        (self.summary.end, self.last)
    }

    /// Returns the lowest and the highest arrival number.
    #[must_use]
    pub const fn seqs(&self) -> (i64, i64) {
        self.seqs
    }

    /// Describes the chunk.
    #[must_use]
    pub const fn summary(&self) -> PageSummary {
        self.summary
    }

    /// Describes each page of [`PAGE_POINTS`] points. The last page may have fewer.
    #[must_use]
    pub fn pages(&self) -> &[PageSummary] {
        &self.pages
    }

    /// Checks that a body belongs to this header.
    pub(super) fn check(&self, body: &[u8]) -> Result<(), ChunkError> {
        let problem = match self.body {
            (length, _) if length != body.len() => {
                format!("has {} bytes instead of {length}", body.len())
            }
            (_, checksum) if checksum != crc32fast::hash(body) => "has another checksum".to_owned(),
            _ => return Ok(()),
        };
        Err(ChunkError::new("body", problem))
    }
}

/// Writes the header of points and their body.
pub(super) fn write_header(columns: &Columns, body: &[u8]) -> Vec<u8> {
    let mut out = vec![VERSION];
    put_varint(&mut out, columns.len() as u64);
    let seqs = columns.seqs();
    let (low, high) = (seqs.iter().min(), seqs.iter().max());
    let lowest = low.copied().unwrap_or(0);
    lowest.put(&mut out);
    for seq in [high, seqs.first(), seqs.last()] {
        seq.map_or(0, |seq| seq.wrapping_sub(lowest)).put(&mut out);
    }
    put_varint(&mut out, body.len() as u64);
    out.extend_from_slice(&crc32fast::hash(body).to_le_bytes());
    write_pages(&mut out, columns);
    let checksum = crc32fast::hash(&out).to_le_bytes();
    out.extend_from_slice(&checksum);
    out
}

fn write_pages(out: &mut Vec<u8>, columns: &Columns) {
    let starts = (0..columns.len()).step_by(PAGE_POINTS);
    let pages: Vec<PageSummary> = starts
        .map(|start| PageSummary::of(columns, start..(start + PAGE_POINTS).min(columns.len())))
        .collect();
    let integers: [fn(&PageSummary) -> i64; 3] = [
        |page| page.start.as_micros(),
        |page| page.end.as_micros() - page.start.as_micros(),
        |page| i64::from(page.count),
    ];
    for integer in integers {
        let cells: Vec<i64> = pages.iter().map(integer).collect();
        put_section(out, |out| put_column(out, &cells, Layout::PLAIN));
    }
    // One column, because they are often the same number, or all have few digits.
    let numbers: Vec<f64> = NUMBERS.iter().flat_map(|number| pages.iter().filter_map(number)).collect();
    put_section(out, |out| put_column(out, &numbers, Layout::PLAIN));
    let sums: Vec<f64> = pages.iter().filter(|page| page.count > 0).map(|page| page.sum).collect();
    put_section(out, |out| put_column(out, &sums, Layout::PLAIN));
}

/// The numbers of a page that has finite numbers.
const NUMBERS: [fn(&PageSummary) -> Option<f64>; 4] =
    [|page| page.min, |page| page.max, |page| page.first, |page| page.last];

fn read_pages(mut reader: Reader<'_>, points: usize) -> Result<Vec<PageSummary>, ChunkError> {
    let count = points.div_ceil(PAGE_POINTS);
    let mut integers = || read_column::<i64>(reader.section("pages of the header")?, count);
    let (starts, lengths, counts) = (integers()?, integers()?, integers()?);
    let with_numbers = counts.iter().filter(|count| **count > 0).count();
    let mut numbers = |count: usize| match (reader.section("numbers of the header")?, count) {
        (section, 0) => section.finish().map(|()| Vec::new()),
        (section, _) => read_column::<f64>(section, count),
    };
    let (numbers, sums) = (numbers(with_numbers * NUMBERS.len())?, numbers(with_numbers)?);
    let mut rows = 0..with_numbers;
    let mut pages = Vec::with_capacity(count);
    for (index, ((start, length), count)) in starts.into_iter().zip(lengths).zip(counts).enumerate() {
        let points = (points - index * PAGE_POINTS).min(PAGE_POINTS);
        let page = u32::try_from(points).ok().zip(u32::try_from(count).ok());
        let (points, count) = page
            .filter(|(points, count)| count <= points)
            .ok_or_else(|| reader.error("counts more numbers than points"))?;
        let row = if count > 0 { rows.next() } else { None };
        let number = |column: usize| row.and_then(|row| numbers.get(column * with_numbers + row)).copied();
        let (min, max, first, last) = (number(0), number(1), number(2), number(3));
        let sum = row.and_then(|row| sums.get(row)).copied().unwrap_or(0.0);
        let end = Timestamp::from_micros(start.saturating_add(length));
        let start = Timestamp::from_micros(start);
        pages.push(PageSummary { points, count, min, max, sum, start, end, first, last });
    }
    reader.finish()?;
    Ok(pages)
}
