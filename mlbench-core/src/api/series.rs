//! A series on the wire: an item of `GET /api/runs/{id}/series/` and `GET /api/pods/{name}/series/`.

use serde::{Deserialize, Serialize};

use crate::metric::{MetricName, MetricValue};
use crate::time::Timestamp;

/// What is known of a series without reading its points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The name of its metric.
    pub name: MetricName,
    /// How many points it has; at least 1.
    pub count: u64,
    /// The date of its first point.
    pub first_date: Timestamp,
    /// The date of its last point.
    pub last_date: Timestamp,
    /// The smallest of its values that are finite numbers, if any is.
    pub min: Option<f64>,
    /// The largest of them.
    pub max: Option<f64>,
    /// The value of its last point by date, then by arrival.
    pub last_value: MetricValue,
}
