//! Stored metrics.

use serde::{Deserialize, Serialize};

use super::name::MetricName;
use super::number::serialize_number;
use super::owner::Owner;
use super::value::MetricValue;
use crate::error::{Error, Result};
use crate::name::{PodName, RunId};
use crate::time::Timestamp;

/// A stored metric and the response of `POST /api/metrics/`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "WireMetric", into = "WireMetric")]
pub struct Metric {
    /// The pod or the run that the metric belongs to.
    pub owner: Owner,
    /// Name of the metric.
    pub name: MetricName,
    /// Time of the measurement.
    pub date: Timestamp,
    /// The measured value.
    pub value: MetricValue,
    /// Whether the value adds up over time.
    pub cumulative: bool,
    /// Free text.
    pub metadata: String,
    /// Training step of the measurement. Absent on the wire when the client sent none.
    pub step: Option<i64>,
    /// Training epoch of the measurement, possibly fractional. Absent on the wire when the client sent none.
    pub epoch: Option<f64>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Metric"))]
struct WireMetric {
    #[serde(skip_serializing_if = "Option::is_none")]
    pod_name: Option<PodName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<RunId>,
    name: MetricName,
    date: Timestamp,
    value: MetricValue,
    cumulative: bool,
    metadata: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "serialize_number")]
    epoch: Option<f64>,
}

impl From<Metric> for WireMetric {
    fn from(metric: Metric) -> Self {
        let (pod_name, run_id) = match metric.owner {
            Owner::Pod(name) => (Some(name), None),
            Owner::Run(id) => (None, Some(id)),
        };
        let Metric { name, date, value, cumulative, metadata, step, epoch, .. } = metric;
        Self { pod_name, run_id, name, date, value, cumulative, metadata, step, epoch }
    }
}

impl TryFrom<WireMetric> for Metric {
    type Error = Error;
    fn try_from(wire: WireMetric) -> Result<Self> {
        let WireMetric { pod_name, run_id, name, date, value, cumulative, metadata, step, epoch } = wire;
        let owner = Owner::from_fields(pod_name, run_id)?;
        Ok(Self { owner, name, date, value, cumulative, metadata, step, epoch })
    }
}
