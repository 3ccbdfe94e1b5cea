//! Series: all points of one metric of one owner.

use serde::{Deserialize, Serialize};

use super::name::MetricName;
use super::number::serialize_number;
use super::value::MetricValue;
use crate::time::Timestamp;

/// A summary of a series, an item of `GET /api/runs/{id}/series/` and `GET /api/pods/{name}/series/`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Series {
    /// Name of the metric.
    pub name: MetricName,
    /// Number of points, at least 1.
    pub count: u64,
    /// Date of the first point.
    pub first_date: Timestamp,
    /// Date of the last point.
    pub last_date: Timestamp,
    /// Smallest finite value. `None` when no value is a finite number.
    #[serde(serialize_with = "serialize_number")]
    pub min: Option<f64>,
    /// Largest finite value. `None` when no value is a finite number.
    #[serde(serialize_with = "serialize_number")]
    pub max: Option<f64>,
    /// Value of the point that arrived last, whatever its date: a clock that is ahead hides no later value.
    pub last_value: MetricValue,
}
