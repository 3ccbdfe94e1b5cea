//! The newest values of the metrics of runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::name::MetricName;
use super::number::serialize_number;
use crate::name::RunId;

/// The newest values of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct RunValues {
    /// Id of the run.
    pub run_id: RunId,
    /// How good its model is. Absent without such a metric, and when the query names metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub accuracy: Option<MeasuredValue>,
    /// What its training lowers. Absent without such a metric, and when the query names metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub loss: Option<MeasuredValue>,
    /// Values of the metrics that the query names, `null` for one that is no finite number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(test, ts(as = "Option<BTreeMap<MetricName, Option<f64>>>", optional))]
    pub metrics: BTreeMap<MetricName, Option<f64>>,
}

impl RunValues {
    /// Creates the values of a run that has none.
    #[must_use]
    pub const fn of(run_id: RunId) -> Self {
        Self { run_id, accuracy: None, loss: None, metrics: BTreeMap::new() }
    }

    /// Returns whether the run has none of the metrics.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.accuracy.is_none() && self.loss.is_none() && self.metrics.is_empty()
    }
}

/// The newest value of the metric that represents a measure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct MeasuredValue {
    /// Name of the metric.
    pub name: MetricName,
    /// Value of the point that arrived last, `null` when it is no finite number.
    #[serde(serialize_with = "serialize_number")]
    pub value: Option<f64>,
}

/// A page of newest values, the response of `GET /api/values/`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct RunValuesPage {
    /// The runs with values, by ascending id.
    pub runs: Vec<RunValues>,
    /// Id to send as `after` for the next page, `null` after the last run.
    pub next: Option<RunId>,
}
