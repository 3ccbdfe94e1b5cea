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
    let dates = encoding.layout(PAGE_POINTS, Pack::Dates);
    put_section(out, |out| put_column(out, &columns.dates, dates));
    put_numbers(out, columns, encoding);
    put_section(out, |out| put_texts(out, &columns.texts, points, encoding.is_packed()));
    let seqs_layout = encoding.layout(usize::MAX, Pack::Counts);
    put_section(out, |out| put_column(out, &seqs(columns), seqs_layout));
    put_details(out, columns.details.0.as_ref(), points, encoding);
    Encoded { header: write_header(columns, &body), body }
}

/// Appends the numbers, and which rows are none. These have the number before them.
fn put_numbers(out: &mut Vec<u8>, columns: &Columns, encoding: Encoding) {
    let layout = encoding.layout(PAGE_POINTS, Pack::Any);
    let numbers = &columns.numbers;
    let gaps: Vec<bool> = match columns.texts.is_empty() {
        true => Vec::new(),
        false => numbers.iter().map(|number| number.is_nan()).collect(),
    };
    put_section(out, |out| put_flags(out, &gaps, numbers.len(), encoding.is_packed()));
    if !gaps.contains(&true) {
        return put_section(out, |out| put_column(out, numbers, layout));
    }
    let mut last = numbers.iter().copied().find(|number| !number.is_nan()).unwrap_or(0.0);
    let mut fill = |number: &f64| {
        last = if number.is_nan() { last } else { *number };
        last
    };
    let filled: Vec<f64> = numbers.iter().map(&mut fill).collect();
    put_section(out, |out| put_column(out, &filled, layout));
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
