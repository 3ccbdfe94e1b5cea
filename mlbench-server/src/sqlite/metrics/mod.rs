//! Metrics: single ones and batches on their way in, pages of points on their way out.

pub(super) mod arrival;
pub(super) mod arrived;
pub(super) mod batch;
pub(super) mod insert;
pub(super) mod owner;
pub(super) mod owners;
mod page;
pub(super) mod read;
pub(super) mod recent;
pub(super) mod record;
mod scan;
mod series;
pub(super) mod value;
