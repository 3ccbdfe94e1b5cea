//! Decoding of consecutive pages.

use std::ops::Range;

use super::columns::{Absent, Columns};
use super::constants::PAGE_POINTS;
use super::decode::{Fields, Main, clear_gaps};
use super::details::Details;
use super::error::ChunkError;
use super::header::Header;
use super::text_column::read_texts;

/// Decodes the points of consecutive pages, counted from 0.
///
/// Pages that do not exist are left out.
///
/// # Errors
///
/// When the body is damaged or belongs to another header.
pub fn decode_pages(
    header: &Header,
    body: &[u8],
    fields: Fields,
    pages: Range<usize>,
) -> Result<Columns, ChunkError> {
    let pages = pages.start..pages.end.min(header.pages().len());
    let range = pages.start * PAGE_POINTS..(pages.end * PAGE_POINTS).min(header.count());
    if range.is_empty() {
        return Ok(Columns::default());
    }
    let mut main = Main::parse(header, body)?;
    let mut columns = Columns { details: Absent(None), ..Columns::with_capacity(range.len()) };
    for page in pages {
        main.dates.read_page(page, &mut columns.dates)?;
        main.numbers.read_page(page, &mut columns.numbers)?;
    }
    clear_gaps(&mut columns.numbers, main.gaps.get(range.clone()).unwrap_or_default());
    columns.texts.append_from(0, &read_texts(main.texts, header.count())?, range.clone());
    let (seqs, details) = main.others(fields, header.count())?;
    columns.seqs = seqs.get(range.clone()).map(<[i64]>::to_vec).unwrap_or_default();
    if let Some(all) = details {
        let mut part = Details::default();
        part.append_from(0, &all, range);
        columns.details = Absent(Some(part));
    }
    Ok(columns)
}
