//! Points as text and as tables, page by page: the memory of a response does not grow with its length.
//!
//! The thread that reads a page also writes it, straight from the rows; a chunk of a response is a page.

mod ahead;
mod encode;
mod points_stream;
mod record_batch;
mod table;
mod table_writer;
mod text;
mod writer;

pub(super) use encode::{write_bucket, write_fields, write_text};
pub(in crate::http) use points_stream::PointsStream;
pub(in crate::http) use record_batch::TableLayout;
pub(in crate::http) use table::PointsTable;
pub(in crate::http) use table_writer::TableFormat;
pub(in crate::http) use text::PointsText;
pub(in crate::http) use writer::{PointsFormat, PointsLayout};
