//! `mlbench runs report`: a comparison as files with tables and charts.

mod charts;
mod markdown;
mod write;

pub(crate) use write::report;
pub(crate) use write::write_report;
