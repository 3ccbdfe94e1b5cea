//! Writing a response: negotiation, compression, and every representation.

mod archive;
mod builder;
mod compress;
mod events;
mod exposition;
mod negotiate;
mod points;
mod run_archive;
mod runs;
mod series;
mod server_metrics;
mod stream;
mod zip_output;

pub(super) use archive::archive;
pub(super) use builder::{ResponseBuilder, attachment, empty};
pub(super) use compress::{accepts_brotli, accepts_gzip};
pub(super) use events::event_stream;
pub(super) use negotiate::{MediaType, accepts_html, negotiate};
pub(super) use points::{
    PointsFormat, PointsLayout, PointsStream, PointsTable, PointsText, TableFormat, TableLayout,
};
pub(super) use run_archive::run_archive;
pub(super) use runs::{log_page, run_list, run_with_output, with_next_page};
pub(super) use series::series_list;
pub(super) use server_metrics::server_metrics;
