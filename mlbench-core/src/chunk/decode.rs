//! Decoding of all points of a chunk.

use super::bits::read_flags;
use super::cell::Cell;
use super::column::{Column, read_column};
use super::columns::{Absent, Columns};
use super::constants::PAGE_POINTS;
use super::details::{Details, Flags, Nullable};
use super::error::ChunkError;
use super::header::Header;
use super::origins::Origins;
use super::sparse::Sparse;
use super::text_column::read_texts;
use super::wire::Reader;

/// Which columns to decode besides dates and values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fields {
    /// Arrival numbers.
    pub seqs: bool,
    /// Steps, epochs, cumulative and metadata.
    pub details: bool,
}

/// Decodes all points.
///
/// Columns that are not requested are absent from the result.
///
/// # Errors
///
/// When the body is damaged or belongs to another header.
pub fn decode(header: &Header, body: &[u8], fields: Fields) -> Result<Columns, ChunkError> {
    let points = header.count();
    let mut main = Main::parse(header, body)?;
    let (dates, mut numbers) = (main.dates.read_all()?, main.numbers.read_all()?);
    clear_gaps(&mut numbers, &main.gaps);
    let texts = read_texts(main.texts, points)?;
    let (seqs, details) = main.others(fields, points)?;
    Ok(Columns { dates, seqs, numbers, texts, details: Absent(details) })
}

/// Arrival numbers and details.
type Others = (Vec<i64>, Option<Details>);

/// The columns that every reader needs.
pub(super) struct Main<'a> {
    pub(super) dates: Column<'a, i64>,
    pub(super) numbers: Column<'a, f64>,
    /// The rows that are no finite number, whatever the column has there. Empty if all are.
    pub(super) gaps: Vec<bool>,
    /// The texts of values, for [`read_texts`].
    pub(super) texts: Reader<'a>,
    /// The other columns.
    rest: Reader<'a>,
}

impl<'a> Main<'a> {
    /// Checks the body and reads what is common to all pages.
    pub(super) fn parse(header: &Header, body: &'a [u8]) -> Result<Self, ChunkError> {
        header.check(body)?;
        let points = header.count();
        let mut rest = Reader::new(body, "body");
        let dates = Column::parse(rest.section("dates")?, points, PAGE_POINTS)?;
        let gaps = read_flags(rest.section("gaps")?, points)?;
        let numbers = Column::parse(rest.section("values")?, points, PAGE_POINTS)?;
        let texts = rest.section("texts of values")?;
        Ok(Self { dates, numbers, gaps, texts, rest })
    }

    /// Reads what single steps and epochs of all `points` share.
    pub(super) fn sparse(&self, points: usize) -> Result<Sparse<'a>, ChunkError> {
        let mut rest = self.rest;
        rest.section("arrival numbers")?;
        Sparse::parse(&mut rest, points)
    }

    /// Reads what arrival numbers of single points share.
    pub(super) fn origins(&self, points: usize) -> Result<Origins<'a>, ChunkError> {
        let mut rest = self.rest;
        Origins::parse(self.texts, rest.section("arrival numbers")?, points)
    }

    /// Reads the arrival numbers and the details of all `points`, if they are requested.
    pub(super) fn others(&self, fields: Fields, points: usize) -> Result<Others, ChunkError> {
        let mut rest = self.rest;
        let seqs = rest.section("arrival numbers")?;
        let seqs = if fields.seqs { read_column(seqs, points)? } else { Vec::new() };
        let details = if fields.details { Some(read_details(rest, points)?) } else { None };
        Ok((seqs, details))
    }
}

/// Replaces the numbers of gaps by `NaN`.
pub(super) fn clear_gaps(numbers: &mut [f64], gaps: &[bool]) {
    for (number, _) in numbers.iter_mut().zip(gaps).filter(|(_, gap)| **gap) {
        *number = f64::NAN;
    }
}

fn read_details(mut reader: Reader<'_>, points: usize) -> Result<Details, ChunkError> {
    let details = Details {
        steps: read_nullable(&mut reader, points)?,
        epochs: read_nullable(&mut reader, points)?,
        cumulative: Flags(read_flags(reader.section("cumulative")?, points)?),
        metadata: read_texts(reader.section("metadata")?, points)?,
    };
    reader.finish()?;
    Ok(details)
}

fn read_nullable<T: Cell>(reader: &mut Reader<'_>, points: usize) -> Result<Nullable<T>, ChunkError> {
    let present = read_flags(reader.section("steps and epochs")?, points)?;
    let values = reader.section("steps and epochs")?;
    if present.is_empty() {
        values.finish()?;
        return Ok(Nullable::default());
    }
    Ok(Nullable { values: read_column(values, points)?, present: Flags(present) })
}
