//! Stored metrics.

use serde::{Deserialize, Serialize, Serializer};

use super::name::MetricName;
use super::owner::Owner;
use super::value::MetricValue;
use crate::error::{Error, Result};
use crate::name::{PodName, RunId};
use crate::time::Timestamp;

/// A stored metric and the response of `POST /api/metrics/`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "serialize_epoch")]
    epoch: Option<f64>,
}

/// Writes whole epochs as integers, because most clients send `3` and not `3.0`.
pub(crate) fn serialize_epoch<S: Serializer>(epoch: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match *epoch {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number that i64 holds")]
        Some(number) if number.fract() == 0.0 && number.abs() < EXACT => {
            serializer.serialize_i64(number as i64)
        }
        other => other.serialize(serializer),
    }
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
