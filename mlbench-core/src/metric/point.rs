//! Points of a series.

use serde::{Deserialize, Serialize};

use super::value::MetricValue;
use crate::time::Timestamp;

/// One measurement of a series, with exactly the two keys of the specification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Point {
    /// Time of the measurement.
    pub date: Timestamp,
    /// The measured value.
    pub value: MetricValue,
}

impl Point {
    /// Creates a point.
    pub fn new(date: Timestamp, value: impl Into<MetricValue>) -> Self {
        Self { date, value: value.into() }
    }
}
