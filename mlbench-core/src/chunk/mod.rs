//! Points of one series as compressed columns.
//!
//! A chunk is up to [`MAX_POINTS`] points of one series in the order of date and arrival number, encoded in two parts.
//! The [`Header`] is small and describes every page of [`PAGE_POINTS`] points: its dates, count and extremes.
//! The body holds a column per field. [`decode`] reads all of it, [`PageReader`] a page of dates and values.
//!
//! A value is stored as a number if that number prints as exactly the text of the value, and else as its text, so that
//! every text is preserved byte for byte. Header and body have checksums: damage is a [`ChunkError`].

mod bits;
mod cell;
mod column;
mod columns;
mod constants;
mod decode;
mod deflate;
mod details;
mod encode;
mod error;
mod header;
mod line;
mod order;
mod origins;
mod packed;
mod pages;
mod part;
mod sparse;
mod summary;
mod text_column;
mod texts;
mod wire;

#[cfg(test)]
mod tests;

pub use columns::Columns;
pub use constants::{MAX_POINTS, PAGE_POINTS};
pub use decode::{Fields, decode};
pub use encode::{Encoded, Encoding, encode};
pub use error::ChunkError;
pub use header::Header;
pub use pages::{PageNumbers, PageReader};
pub use part::decode_pages;
pub use summary::PageSummary;
