//! A column of numbers.
//!
//! One number, numbers of equal differences, fixed-width numbers, or compressed pages of the numbers or of their
//! distances from a line.

use super::cell::{Cell, Fixed};
use super::error::ChunkError;
use super::line::Line;
use super::packed::{self, Pack, Packed};
use super::wire::Reader;

/// All numbers are the same.
const CONSTANT: u8 = 0;
/// All neighbours have the same difference.
const LINEAR: u8 = 1;
/// Every number has the same number of bytes.
const FIXED: u8 = 2;
/// The numbers are compressed in pages.
const PACKED: u8 = 3;
/// The distances of the numbers from a line are compressed in pages. Since version 2.
const BESIDE: u8 = 4;

/// Shorter columns have no line, and of longer ones so many numbers show whether a line makes them smaller.
const SAMPLE: usize = 1_024;

/// How to write a column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// Points of a page, which can be read by itself.
    pub(super) page: usize,
    /// How to compress the column, if at all.
    pub(super) pack: Option<Pack>,
}

impl Layout {
    /// One page without compression.
    pub(super) const PLAIN: Self = Self { page: usize::MAX, pack: None };
}

/// Appends a column of at least one number.
pub(super) fn put_column<T: Cell>(out: &mut Vec<u8>, cells: &[T], layout: Layout) {
    let Some(first) = cells.first().copied() else {
        return;
    };
    if cells.iter().all(|cell| cell.is_same(first)) {
        out.push(CONSTANT);
        return first.put(out);
    }
    if let Some(difference) = T::common_difference(cells) {
        out.push(LINEAR);
        first.put(out);
        return difference.put(out);
    }
    let fixed = T::fixed(cells);
    if let Some(pack) = layout.pack {
        let start = out.len();
        let line = if pack == Pack::Dates { line(cells, layout.page) } else { None };
        let packed = if let Some((line, distances)) = line {
            out.push(BESIDE);
            line.first.put(out);
            line.slope.put(out);
            packed::put_packed(out, &distances, layout.page, Pack::Distances)
        } else {
            out.push(PACKED);
            packed::put_packed(out, cells, layout.page, pack)
        };
        if packed.is_ok() && out.len() - start < cells.len() * fixed.width {
            return;
        }
        out.truncate(start);
    }
    out.push(FIXED);
    fixed.put(out);
    T::put_all(cells, fixed, out);
}

/// Returns a line and the distances of the numbers from it, if these are smaller when compressed.
fn line<T: Cell>(cells: &[T], page: usize) -> Option<(Line, Vec<T>)> {
    let middle = cells.len().checked_sub(SAMPLE)? / 2;
    let line = T::line(cells)?;
    let distances: Vec<T> = cells.iter().enumerate().map(|(row, cell)| cell.beside(line, row)).collect();
    // Differences may have a pattern that their size does not show.
    let size = |cells: &[T], pack| {
        let mut out = Vec::new();
        let packed = packed::put_packed(&mut out, &cells[middle..middle + SAMPLE], page, pack);
        packed.ok().map(|()| out.len())
    };
    (size(&distances, Pack::Distances)? < size(cells, Pack::Dates)?).then_some((line, distances))
}

/// A column that is read by pages.
pub(super) struct Column<'a, T: Cell> {
    kind: Kind<'a, T>,
    points: usize,
    page: usize,
}

enum Kind<'a, T: Cell> {
    Constant(T),
    Linear { first: T, difference: T },
    Fixed(Fixed<T>, &'a [u8]),
    Packed(Box<Packed<'a, T>>, Option<Line>),
}

impl<'a, T: Cell> Column<'a, T> {
    /// Reads what is common to all pages of a column of `points` numbers.
    pub(super) fn parse(mut reader: Reader<'a>, points: usize, page: usize) -> Result<Self, ChunkError> {
        let page = page.min(points).max(1);
        let kind = match reader.byte()? {
            CONSTANT => Kind::Constant(T::take(&mut reader)?),
            LINEAR => {
                let first = T::take(&mut reader)?;
                Kind::Linear { first, difference: T::take(&mut reader)? }
            }
            FIXED => {
                let fixed = Fixed::take(&mut reader)?;
                Kind::Fixed(fixed, reader.take(points * fixed.width)?)
            }
            tag @ (PACKED | BESIDE) => {
                let line = if tag == BESIDE { Some(take_line(&mut reader)?) } else { None };
                let packed = Packed::parse(&mut reader, points.div_ceil(page))?;
                Kind::Packed(Box::new(packed), line)
            }
            tag => return Err(reader.error(format!("has the unknown layout {tag}"))),
        };
        reader.finish()?;
        Ok(Self { kind, points, page })
    }

    /// Appends the numbers of a page.
    pub(super) fn read_page(&mut self, page: usize, out: &mut Vec<T>) -> Result<(), ChunkError> {
        let start = (page * self.page).min(self.points);
        let points = self.page.min(self.points - start);
        let old = out.len();
        match &mut self.kind {
            Kind::Constant(cell) => out.resize(old + points, *cell),
            Kind::Linear { first, difference } => {
                out.extend((start..start + points).map(|index| first.after(*difference, index)));
            }
            Kind::Fixed(fixed, bytes) => {
                out.resize(old + points, T::default());
                T::take_all(&bytes[start * fixed.width..], *fixed, &mut out[old..]);
            }
            Kind::Packed(packed, line) => {
                out.resize(old + points, T::default());
                packed.read_page(page, &mut out[old..])?;
                if let Some(line) = line {
                    out[old..].iter_mut().zip(start..).for_each(|(cell, row)| *cell = cell.onto(*line, row));
                }
            }
        }
        Ok(())
    }

    /// Reads one number. `read` keeps the numbers of a column that can only be read as a whole.
    pub(super) fn cell(&mut self, row: usize, read: &mut Vec<T>) -> Result<Option<T>, ChunkError> {
        if matches!(self.kind, Kind::Packed(..)) && read.is_empty() {
            *read = self.read_all()?;
        }
        Ok(match &self.kind {
            _ if row >= self.points => None,
            Kind::Constant(cell) => Some(*cell),
            Kind::Linear { first, difference } => Some(first.after(*difference, row)),
            Kind::Fixed(fixed, bytes) => {
                let mut cell = [T::default()];
                T::take_all(&bytes[row * fixed.width..(row + 1) * fixed.width], *fixed, &mut cell);
                Some(cell[0])
            }
            Kind::Packed(..) => read.get(row).copied(),
        })
    }

    /// Reads all numbers.
    pub(super) fn read_all(&mut self) -> Result<Vec<T>, ChunkError> {
        let mut all = Vec::with_capacity(self.points);
        for page in 0..self.points.div_ceil(self.page) {
            self.read_page(page, &mut all)?;
        }
        Ok(all)
    }
}

fn take_line(reader: &mut Reader<'_>) -> Result<Line, ChunkError> {
    Ok(Line { first: i64::take(reader)?, slope: i64::take(reader)? })
}

/// Reads a whole column that was written as one page.
pub(super) fn read_column<T: Cell>(reader: Reader<'_>, points: usize) -> Result<Vec<T>, ChunkError> {
    Column::parse(reader, points, usize::MAX)?.read_all()
}
