//! Encoding of points.

use super::bits::put_flags;
use super::cell::Cell;
use super::column::{Layout, put_column};
use super::columns::Columns;
use super::constants::PAGE_POINTS;
use super::details::{Details, Nullable};
use super::header::write_header;
use super::packed::Pack;
use super::text_column::put_texts;
use super::wire::put_section;

/// How to encode a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Fast to write: fixed-width numbers, for points that have just arrived.
    Plain,
    /// Small: compressed numbers, for points at rest.
    Packed,
}

impl Encoding {
    fn layout(self, page: usize, pack: Pack) -> Layout {
        Layout { page, pack: (self == Self::Packed).then_some(pack) }
    }

    fn is_packed(self) -> bool {
        self == Self::Packed
    }
}

/// The two parts of a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Describes the points, for [`Header::parse`](super::Header::parse).
    pub header: Vec<u8>,
    /// The points, for [`decode`](super::decode).
    pub body: Vec<u8>,
}

/// Encodes sorted points: at least 1 and at most [`MAX_POINTS`](super::MAX_POINTS).
#[must_use]
pub fn encode(columns: &Columns, encoding: Encoding) -> Encoded {
    let points = columns.len();
    let mut body = Vec::new();
    let out = &mut body;
    let pages = |pack| encoding.layout(PAGE_POINTS, pack);
    let whole = |pack| encoding.layout(usize::MAX, pack);
    put_section(out, |out| put_column(out, &columns.dates, pages(Pack::Dates)));
    put_section(out, |out| put_numbers(out, columns, pages(Pack::Any)));
    put_section(out, |out| put_texts(out, &columns.texts, points, encoding.is_packed()));
    put_section(out, |out| put_column(out, &seqs(columns), whole(Pack::Counts)));
    put_details(out, columns.details.0.as_ref(), points, encoding);
    Encoded { header: write_header(columns, &body), body }
}

/// Appends the numbers. A text has the number before it, because its own is parsed when it is read.
fn put_numbers(out: &mut Vec<u8>, columns: &Columns, layout: Layout) {
    if columns.texts.is_empty() {
        return put_column(out, &columns.numbers, layout);
    }
    let is_number = |row: &usize| columns.texts.get(*row).is_none();
    let first = (0..columns.len()).find(is_number).map_or(0.0, |row| columns.numbers[row]);
    let fill = |last: &mut f64, row: usize| {
        if is_number(&row) {
            *last = columns.numbers[row];
        }
        Some(*last)
    };
    let numbers: Vec<f64> = (0..columns.len()).scan(first, fill).collect();
    put_column(out, &numbers, layout);
}

fn seqs(columns: &Columns) -> std::borrow::Cow<'_, [i64]> {
    match columns.seqs.len() == columns.len() {
        true => std::borrow::Cow::Borrowed(&columns.seqs),
        false => std::borrow::Cow::Owned(vec![0; columns.len()]),
    }
}

fn put_details(out: &mut Vec<u8>, details: Option<&Details>, points: usize, encoding: Encoding) {
    let absent = Details::default();
    let Details { steps, epochs, cumulative, metadata } = details.unwrap_or(&absent);
    put_nullable(out, steps, points, encoding.layout(usize::MAX, Pack::Counts));
    put_nullable(out, epochs, points, encoding.layout(usize::MAX, Pack::Any));
    put_section(out, |out| put_flags(out, &cumulative.0, points, encoding.is_packed()));
    put_section(out, |out| put_texts(out, metadata, points, encoding.is_packed()));
}

fn put_nullable<T: Cell>(out: &mut Vec<u8>, column: &Nullable<T>, points: usize, layout: Layout) {
    put_section(out, |out| put_flags(out, &column.present.0, points, layout.pack.is_some()));
    // Rows taken from a longer column may have fillers only.
    let values = if column.present.0.contains(&true) { &*column.values } else { &[] };
    put_section(out, |out| put_column(out, values, layout));
}
