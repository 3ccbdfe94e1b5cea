//! Reads single points of a series again.

use mlbench_core::chunk::{Columns, Fields, PAGE_POINTS};
use mlbench_core::storage::PointRef;

use super::blocks::{Block, position, upto};
use super::position::{Position, just_before};
use super::scan::Scan;
use crate::sqlite::error::StoreError;

/// Pages of a chunk that are decoded together.
const PAGES_AT_ONCE: usize = 16;

/// Reads points whose positions are known, fastest in ascending order.
pub(super) struct Lookup<'a> {
    scan: &'a Scan<'a>,
    details: bool,
    /// The points around the one that was read last.
    points: Columns,
}

impl<'a> Lookup<'a> {
    pub(super) fn new(scan: &'a Scan<'a>, details: bool) -> Self {
        Self { scan, details, points: Columns::default() }
    }

    /// Returns the point at a position.
    pub(super) fn point(&mut self, at: Position) -> Result<PointRef<'_>, StoreError> {
        if self.row(at).is_none() {
            self.read_around(at)?;
        }
        match self.row(at) {
            Some(row) => Ok(self.points.point(row, self.details)),
            None => Err(StoreError::corrupt("points", format_args!("point {} of {} has gone", at.1, at.0))),
        }
    }

    /// Returns the row of a point among those in memory.
    fn row(&self, at: Position) -> Option<usize> {
        let row = upto(&self.points, at).checked_sub(1)?;
        (position(&self.points, row) == at).then_some(row)
    }

    /// Reads the points around a position, at most a few pages of a chunk.
    fn read_around(&mut self, at: Position) -> Result<(), StoreError> {
        let chunk = match self.scan.next_block(just_before(at))? {
            Some(Block::Chunk(chunk)) => chunk,
            Some(Block::Points(points)) => {
                self.points = points;
                return Ok(());
            }
            None => return Ok(()),
        };
        let (mut begin, count) = (chunk.page_of(at) * PAGE_POINTS, chunk.header.count());
        let fields = Fields { seqs: true, details: self.details };
        // Points of one date may fill several pages.
        while begin < count && chunk.header.pages()[begin / PAGE_POINTS].start <= at.0 {
            let end = (begin + PAGES_AT_ONCE * PAGE_POINTS).min(count);
            self.points = chunk.decode(self.scan.connection, begin..end, fields)?.1;
            if self.row(at).is_some() {
                break;
            }
            begin = end;
        }
        Ok(())
    }
}
