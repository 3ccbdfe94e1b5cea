//! [`Record`]: a recorded metric on its way to the server.

use mlbench_core::api::NewMetric;
use mlbench_core::{MetricName, MetricValue, Owner, Timestamp};
use tokio::time::Instant;

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

/// A recorded metric of the owner of its logger.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) name: MetricName,
    pub(super) fields: Fields,
    pub(super) recorded: Instant,
}

impl Record {
    /// Returns the size of its texts in bytes.
    pub(super) fn size(&self) -> usize {
        self.name.as_str().len() + self.fields.value.as_str().len() + self.fields.metadata.len()
    }

    pub(super) fn into_metric(self, owner: Owner) -> NewMetric {
        let Self { name, fields: Fields { date, value, cumulative, step, epoch, metadata }, .. } = self;
        NewMetric { owner, name, date, value, cumulative, step, epoch, metadata }
    }
}
