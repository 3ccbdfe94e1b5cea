//! Metrics: single ones and batches on their way in, pages of points on their way out.

pub(super) mod ahead;
pub(super) mod arrival;
pub(super) mod arrived;
pub(super) mod batch;
pub(super) mod blocks;
pub(super) mod chunks;
mod fill;
pub(super) mod insert;
mod lookup;
mod new_points;
pub(super) mod owner;
pub(super) mod owners;
mod page;
pub(super) mod position;
pub(super) mod read;
pub(super) mod recent;
pub(super) mod record;
pub(super) mod rows;
pub(super) mod run_values;
mod scan;
mod selection;
mod series;
pub(super) mod stored_series;
pub(super) mod touched;
pub(super) mod unsealed;
pub(super) mod value;
