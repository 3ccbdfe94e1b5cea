//! Metrics: writing them, one by one and in batches, and reading them page by page.

pub(super) mod arrival;
pub(super) mod batch;
pub(super) mod insert;
pub(super) mod read;
pub(super) mod record;
mod scan;
mod series;
pub(super) mod value;
