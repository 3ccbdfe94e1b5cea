//! [`Fields`]: what a metric has besides its name and its owner.

use mlbench_core::{MetricValue, Timestamp};

/// The fields of a metric besides its name and its owner.
#[derive(Debug)]
pub(super) struct Fields {
    pub(super) date: Option<Timestamp>,
    pub(super) value: MetricValue,
    pub(super) cumulative: bool,
    pub(super) step: Option<i64>,
    pub(super) epoch: Option<f64>,
    pub(super) metadata: String,
}

impl Fields {
    pub(super) fn new(value: MetricValue) -> Self {
        Self { date: None, value, cumulative: false, step: None, epoch: None, metadata: String::new() }
    }
}
