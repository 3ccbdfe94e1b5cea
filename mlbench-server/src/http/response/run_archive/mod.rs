//! An exported run as a zip archive, streamed. The same run gives the same bytes, on every server.

mod lines;
mod stream;
mod summed_zip;

pub(in crate::http) use stream::run_archive;
