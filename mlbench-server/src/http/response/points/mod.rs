//! Points as JSON, NDJSON and CSV, page by page: the memory of a response does not grow with its length.
//!
//! The thread that reads a page also writes it, straight from the rows; a chunk of a response is a page.

mod encode;
mod text;
mod writer;

pub(super) use encode::{write_bucket, write_fields, write_text};
pub(in crate::http) use text::PointsText;
pub(in crate::http) use writer::{PointsFormat, PointsLayout};
