//! Reads a series block by block: a chunk, or points in memory where rows are.
//!
//! A series is what its chunks and its rows have together, ordered by position. Every kind of reading goes through here,
//! so that no other code needs to know which points are sealed.

use mlbench_core::chunk::{Columns, Fields};
use rusqlite::Connection;

use super::chunks::{self, StoredChunk};
use super::position::{Position, just_before};
use super::rows::{Rows, SeriesRows};
use crate::sqlite::error::StoreError;

/// The most rows that a block has beside the points of a chunk.
const MAX_ROWS: usize = 8_192;
/// Everything of a point.
pub(crate) const ALL_FIELDS: Fields = Fields { seqs: true, details: true };

/// Consecutive points of a series.
#[derive(Debug)]
pub(crate) enum Block {
    /// Points in memory, never none.
    Points(Columns),
    /// A chunk without rows among its points. Some of its points may lie outside of what is read.
    Chunk(StoredChunk),
}

impl Block {
    /// Returns the position of the last point.
    pub(crate) fn last(&self) -> Position {
        match self {
            Self::Points(points) => position(points, points.len() - 1),
            Self::Chunk(chunk) => chunk.header.last(),
        }
    }

    /// Returns the position of the first point.
    pub(crate) fn first(&self) -> Position {
        match self {
            Self::Points(points) => position(points, 0),
            Self::Chunk(chunk) => chunk.header.first(),
        }
    }
}

/// Returns the position of a point.
pub(crate) fn position(points: &Columns, at: usize) -> Position {
    (points.date(at), points.seq(at))
}

/// Returns the number of points up to a position, inclusive.
pub(crate) fn upto(points: &Columns, position: Position) -> usize {
    let dates = points.dates();
    let micros = position.0.as_micros();
    let (low, high) =
        (dates.partition_point(|date| *date < micros), dates.partition_point(|date| *date <= micros));
    low + points.seqs()[low..high].partition_point(|seq| *seq <= position.1)
}

/// A series as blocks.
#[derive(Clone, Copy)]
pub(crate) struct Blocks<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) series: i64,
    /// Whether the fields besides date and value are read.
    pub(crate) details: bool,
}

impl Blocks<'_> {
    pub(super) const fn rows(&self) -> SeriesRows<'_> {
        SeriesRows { connection: self.connection, series: self.series, details: self.details }
    }

    const fn fields(&self) -> Fields {
        Fields { seqs: true, details: self.details }
    }

    /// Returns the block that begins after a position, or the chunk with points on both sides of it.
    ///
    /// A block of rows has at most `limit` of them, and ends at `upto` at the latest.
    pub(crate) fn next(
        &self,
        after: Position,
        upto: Position,
        limit: usize,
    ) -> Result<Option<Block>, StoreError> {
        let limit = limit.clamp(1, MAX_ROWS);
        let chunk =
            chunks::next(self.connection, self.series, after)?.filter(|chunk| chunk.header.first() <= upto);
        let Some(chunk) = chunk else {
            return Ok(in_memory(self.rows().after(after, upto, limit)?.points));
        };
        let (first, last) = (chunk.header.first(), chunk.header.last());
        if first > after {
            let before = self.rows().after(after, just_before(first), limit)?.points;
            if !before.is_empty() {
                return Ok(in_memory(before));
            }
        }
        let Rows { points: among, is_cut } =
            self.rows().after(after.max(just_before(first)), last, MAX_ROWS)?;
        if among.is_empty() {
            return Ok(Some(Block::Chunk(chunk)));
        }
        // More rows than one block takes: it ends at the last of them.
        let end = if is_cut { position(&among, among.len() - 1) } else { last };
        Ok(in_memory(Columns::merge(self.part(&chunk, after, end)?, among)))
    }

    /// Returns the block that ends before a position, or the chunk with points on both sides of it.
    ///
    /// A block of rows has at most `limit` of them, and begins at `from` at the earliest.
    pub(crate) fn previous(
        &self,
        before: Position,
        from: Position,
        limit: usize,
    ) -> Result<Option<Block>, StoreError> {
        let limit = limit.clamp(1, MAX_ROWS);
        let chunk = chunks::previous(self.connection, self.series, before)?
            .filter(|chunk| chunk.header.last() >= from);
        let Some(chunk) = chunk else {
            return Ok(in_memory(self.rows().before(before, from, limit)?.points));
        };
        let (first, last) = (chunk.header.first(), chunk.header.last());
        if last < before {
            let behind = self.rows().before(before, (last.0, last.1 + 1), limit)?.points;
            if !behind.is_empty() {
                return Ok(in_memory(behind));
            }
        }
        let Rows { points: among, is_cut } = self.rows().before(before, first, MAX_ROWS)?;
        if among.is_empty() {
            return Ok(Some(Block::Chunk(chunk)));
        }
        let begin = if is_cut { position(&among, 0) } else { first };
        let part = self.part(&chunk, just_before(begin), just_before(before))?;
        Ok(in_memory(Columns::merge(part, among)))
    }

    /// Decodes the points of a chunk after a position, up to another.
    pub(crate) fn part(
        &self,
        chunk: &StoredChunk,
        after: Position,
        upto_position: Position,
    ) -> Result<Columns, StoreError> {
        let begin = chunk.page_of(after) * mlbench_core::chunk::PAGE_POINTS;
        let (_, points) = chunk.decode(self.connection, begin..chunk.header.count(), self.fields())?;
        let (begin, end) = (upto(&points, after), upto(&points, upto_position));
        let mut part = Columns::with_capacity(end.saturating_sub(begin));
        part.append_from(&points, begin..end.max(begin));
        Ok(part)
    }
}

fn in_memory(points: Columns) -> Option<Block> {
    if points.is_empty() { None } else { Some(Block::Points(points)) }
}
