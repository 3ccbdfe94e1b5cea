//! Steps and epochs of single points.

use super::bits::read_flags;
use super::cell::Cell;
use super::column::Column;
use super::error::ChunkError;
use super::wire::Reader;
use crate::downsample::Progress;

/// The columns of steps and epochs, of which few rows are read.
pub(super) struct Sparse<'a> {
    steps: SparseColumn<'a, i64>,
    epochs: SparseColumn<'a, f64>,
}

impl<'a> Sparse<'a> {
    /// Reads what is common to all rows. `details` begins with the steps.
    pub(super) fn parse(details: &mut Reader<'a>, points: usize) -> Result<Self, ChunkError> {
        Ok(Self {
            steps: SparseColumn::parse(details, points)?,
            epochs: SparseColumn::parse(details, points)?,
        })
    }

    /// Reads a row.
    pub(super) fn row(&mut self, row: usize) -> Result<Progress, ChunkError> {
        Ok(Progress { step: self.steps.row(row)?, epoch: self.epochs.row(row)? })
    }
}

/// A column of numbers that may be missing.
struct SparseColumn<'a, T: Cell> {
    present: Vec<bool>,
    /// `None` if no row has a number.
    column: Option<Column<'a, T>>,
    read: Vec<T>,
}

impl<'a, T: Cell> SparseColumn<'a, T> {
    fn parse(reader: &mut Reader<'a>, points: usize) -> Result<Self, ChunkError> {
        let present = read_flags(reader.section("steps and epochs")?, points)?;
        let values = reader.section("steps and epochs")?;
        let column = match present.is_empty() {
            true => values.finish().map(|()| None)?,
            false => Some(Column::parse(values, points, usize::MAX)?),
        };
        Ok(Self { present, column, read: Vec::new() })
    }

    fn row(&mut self, row: usize) -> Result<Option<T>, ChunkError> {
        match &mut self.column {
            Some(column) if self.present.get(row) == Some(&true) => column.cell(row, &mut self.read),
            _ => Ok(None),
        }
    }
}
