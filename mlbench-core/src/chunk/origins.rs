//! Arrival numbers of single points.

use std::num::NonZero;
use std::ops::Range;

use super::bits::read_flags;
use super::column::Column;
use super::error::ChunkError;
use super::wire::Reader;

/// The column of arrival numbers, and which points have a text for a value.
pub(super) struct Origins<'a> {
    /// Empty if no point has.
    texts: Vec<bool>,
    seqs: Column<'a, i64>,
    /// The arrival numbers of a column that is read as a whole.
    read: Vec<i64>,
}

impl<'a> Origins<'a> {
    /// Reads what is common to all rows.
    pub(super) fn parse(mut texts: Reader<'a>, seqs: Reader<'a>, points: usize) -> Result<Self, ChunkError> {
        let texts = read_flags(texts.section("texts")?, points)?;
        Ok(Self { texts, seqs: Column::parse(seqs, points, usize::MAX)?, read: Vec::new() })
    }

    /// Appends the arrival number of each row, `None` without a text unless `of_all`.
    pub(super) fn read(
        &mut self,
        rows: Range<usize>,
        of_all: bool,
        out: &mut Vec<Option<NonZero<i64>>>,
    ) -> Result<(), ChunkError> {
        if self.texts.is_empty() && !of_all {
            return Ok(());
        }
        for row in rows {
            let is_needed = of_all || self.texts.get(row) == Some(&true);
            let seq = if is_needed { self.seqs.cell(row, &mut self.read)? } else { None };
            out.push(seq.and_then(NonZero::new));
        }
        Ok(())
    }
}
