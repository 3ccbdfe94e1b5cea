//! The points of one series that a query selects, ordered by date, then by arrival.

use std::ops::Range;

use mlbench_core::chunk::{Columns, Fields, PAGE_POINTS, PageReader};
use mlbench_core::storage::PointRef;
use mlbench_core::{MetricName, Timestamp};
use rusqlite::Connection;

use super::blocks::{Block, Blocks, position, upto};
use super::chunks::StoredChunk;
use super::page::Page;
use super::position::Position;
use crate::sqlite::error::StoreError;

/// Rows that are read together.
const ROWS_AT_ONCE: usize = 1_024;

/// The points of one series that a query selects.
pub(super) struct Scan<'a> {
    pub(super) connection: &'a Connection,
    pub(super) series: i64,
    pub(super) since: Timestamp,
    pub(super) until: Timestamp,
    /// Leaves out points with a higher arrival number.
    pub(super) as_of: i64,
    /// [`Scan::send`] leaves out points with this arrival number or a lower one.
    pub(super) arrived_after: Option<i64>,
    pub(super) details: bool,
}

/// What stepping over points found.
pub(super) struct Passed {
    /// How many points were passed.
    pub(super) count: u64,
    /// The last one. `None` at the end of the series.
    pub(super) last: Option<Position>,
}

impl<'a> Scan<'a> {
    /// Returns the position before all points of the query.
    pub(super) const fn start(&self) -> Position {
        (self.since, 0)
    }

    /// Returns the position after all points of the query.
    pub(super) const fn end(&self) -> Position {
        (self.until, i64::MAX)
    }

    pub(super) const fn blocks(&self) -> Blocks<'a> {
        Blocks { connection: self.connection, series: self.series, details: self.details }
    }

    /// Returns the block after a position that ends with the query at the latest.
    pub(super) fn next_block(&self, after: Position) -> Result<Option<Block>, StoreError> {
        self.blocks().next(after, self.end(), ROWS_AT_ONCE)
    }

    /// Returns whether the query selects all points of a chunk after a position.
    pub(super) fn selects_all(&self, chunk: &StoredChunk, after: Position) -> bool {
        let header = &chunk.header;
        header.first() > after && header.last() <= self.end() && header.seqs().1 <= self.as_of
    }

    /// Counts points after a position until it has passed `limit` or more.
    pub(super) fn pass(&self, mut after: Position, limit: u64) -> Result<Passed, StoreError> {
        let mut count = 0;
        while count < limit {
            let Some(block) = self.next_block(after)? else { return Ok(Passed { count, last: None }) };
            let last = block.last();
            match &block {
                Block::Chunk(chunk) if self.selects_all(chunk, after) => count += chunk.header.count() as u64,
                // Points in memory may lie after the end of the query too.
                Block::Chunk(_) | Block::Points(_) => {
                    self.each_of(&block, after, &mut |_, _| {
                        count += 1;
                        Ok(true)
                    })?;
                }
            }
            after = last;
        }
        Ok(Passed { count, last: Some(after) })
    }

    /// Passes `steps` points before a position, or somewhat fewer than all that are left.
    ///
    /// `last` is the first of the points in the order of the series, unless there are fewer than `steps`.
    pub(super) fn pass_back(
        &self,
        mut before: Position,
        steps: u64,
        at_most: u64,
    ) -> Result<Passed, StoreError> {
        let mut count = 0;
        while count < at_most {
            let left = steps - count;
            let limit = usize::try_from(left).unwrap_or(usize::MAX).min(ROWS_AT_ONCE);
            let Some(block) = self.blocks().previous(before, self.start(), limit)? else {
                return Ok(Passed { count, last: None });
            };
            let first = block.first();
            if let Block::Chunk(chunk) = &block {
                let points = chunk.header.count() as u64;
                let is_whole = first >= self.start() && chunk.header.last() < before;
                if is_whole && chunk.header.seqs().1 <= self.as_of && points <= left {
                    (count, before) = (count + points, first);
                    if count == steps {
                        break;
                    }
                    continue;
                }
            }
            let mut found = self.positions_before(&block, before, left)?;
            count += found.len() as u64;
            if count == steps {
                return Ok(Passed { count, last: found.pop() });
            }
            before = first;
        }
        Ok(Passed { count, last: Some(before) })
    }

    /// Returns the positions of the last `limit` points of a block before a position, the last one first.
    fn positions_before(
        &self,
        block: &Block,
        before: Position,
        limit: u64,
    ) -> Result<Vec<Position>, StoreError> {
        let mut found = Vec::new();
        let mut add = |points: &Columns| {
            for at in (0..points.len()).rev() {
                let position = position(points, at);
                let is_selected = position < before && position >= self.start() && position.1 <= self.as_of;
                if is_selected && (found.len() as u64) < limit {
                    found.push(position);
                }
            }
            (found.len() as u64) < limit
        };
        match block {
            Block::Points(points) => drop(add(points)),
            Block::Chunk(chunk) => {
                let mut end = chunk.header.count();
                while end > 0 {
                    let begin = (end.div_ceil(PAGE_POINTS) - 1) * PAGE_POINTS;
                    let fields = Fields { seqs: true, details: false };
                    let (_, points) = chunk.decode(self.connection, begin..end, fields)?;
                    if !add(&points) {
                        break;
                    }
                    end = begin;
                }
            }
        }
        Ok(found)
    }

    /// Sends points to the page until it is full or the series ends.
    ///
    /// Returns the last point passed when the page is full, `None` at the end of the series.
    pub(super) fn send(
        &self,
        name: &MetricName,
        mut after: Position,
        page: &mut Page<'_>,
    ) -> Result<Option<Position>, StoreError> {
        let (mut begun, mut last) = (false, None);
        while let Some(block) = self.next_block(after)? {
            if self.is_passed_over(&block) {
                page.pass_one();
                last = page.is_full().then(|| block.last());
            } else {
                self.each_part(&block, after, &mut |points, rows| {
                    last = self.send_part(points, rows, name, (&mut begun, &mut *page));
                    Ok(last.is_none())
                })?;
            }
            if last.is_some() {
                break;
            }
            after = block.last();
        }
        Ok(last)
    }

    /// Sends the points of a part of a block. Returns the last point passed when the page is full.
    fn send_part(
        &self,
        points: &Columns,
        rows: Range<usize>,
        name: &MetricName,
        (begun, page): (&mut bool, &mut Page<'_>),
    ) -> Option<Position> {
        let mut at = rows.start;
        while at < rows.end {
            let seq = points.seq(at);
            let is_plain = !self.details && self.arrived_after.is_none();
            let most = rows.end.min(at + page.remaining);
            let plain = if is_plain { points.plain(at..most, self.as_of) } else { 0 };
            if plain == 0 && seq > self.as_of {
                at += 1;
                continue;
            }
            if self.arrived_after.is_some_and(|newest_seen| seq <= newest_seen) {
                page.to_skip -= 1;
                at += 1;
            } else {
                if !std::mem::replace(begun, true) {
                    page.sink.series(name);
                }
                let end = at + plain;
                let sent = if plain > 0 {
                    page.sink.numbers(&points.dates()[at..end], &points.numbers()[at..end])
                } else {
                    page.sink.point(points.point(at, self.details));
                    1
                };
                page.remaining -= sent;
                at += sent;
            }
            if page.is_full() {
                return Some(position(points, at - 1));
            }
        }
        None
    }

    /// Passes each point after a position with its arrival number to `each`, until that returns `false`.
    pub(super) fn each(
        &self,
        mut after: Position,
        mut each: impl FnMut(i64, PointRef<'_>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        while let Some(block) = self.next_block(after)? {
            if !self.each_of(&block, after, &mut each)? {
                break;
            }
            after = block.last();
        }
        Ok(())
    }

    /// Returns whether [`Scan::send`] leaves out all points of a block.
    fn is_passed_over(&self, block: &Block) -> bool {
        match block {
            Block::Chunk(chunk) => self.arrived_after.is_some_and(|seq| chunk.header.seqs().1 <= seq),
            Block::Points(_) => false,
        }
    }

    /// Passes the points of a block that the query selects to `each`. Returns whether `each` wants more.
    pub(super) fn each_of(
        &self,
        block: &Block,
        after: Position,
        each: &mut impl FnMut(i64, PointRef<'_>) -> Result<bool, StoreError>,
    ) -> Result<bool, StoreError> {
        self.each_part(block, after, &mut |points, rows| {
            for at in rows {
                let seq = points.seq(at);
                if seq <= self.as_of && !each(seq, points.point(at, self.details))? {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    /// Passes the points of a block within the dates of the query to `each`, page by page.
    ///
    /// Ends when `each` returns `false`.
    /// Those that arrived after the query began are among them.
    fn each_part(
        &self,
        block: &Block,
        after: Position,
        each: &mut impl FnMut(&Columns, Range<usize>) -> Result<bool, StoreError>,
    ) -> Result<bool, StoreError> {
        let rows = |points: &Columns| upto(points, after)..upto(points, self.end());
        match block {
            Block::Points(points) => each(points, rows(points)),
            Block::Chunk(chunk) => {
                let fields = Fields { seqs: true, details: self.details };
                let first = chunk.page_of(after);
                chunk.with_body(self.connection, |body| {
                    let mut pages = PageReader::new(&chunk.header, body, fields)?;
                    for (at, page) in chunk.header.pages().iter().enumerate().skip(first) {
                        if page.start > self.until {
                            break;
                        }
                        let points = pages.page(at)?;
                        match each(points, rows(points)) {
                            Ok(true) => {}
                            ended => return Ok(ended),
                        }
                    }
                    Ok(Ok(true))
                })?
            }
        }
    }
}
