//! Series to store, in columns.

use serde::Serialize;

use super::new_metric::{NewMetric, serialize_owner};
use crate::metric::number::serialize_number;
use crate::metric::{MetricName, MetricValue, Owner};
use crate::time::Timestamp;

/// Metrics of one owner and name as a series in columns, an element of `POST /api/metrics/batch/`.
///
/// Leaves out fields that no metric has.
#[derive(Debug, Clone, Serialize)]
pub struct NewSeries<'a> {
    #[serde(flatten, serialize_with = "serialize_owner")]
    owner: &'a Owner,
    name: &'a MetricName,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    date: Vec<Option<Timestamp>>,
    value: Vec<&'a MetricValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    step: Vec<Option<i64>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    epoch: Vec<Number>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cumulative: Vec<bool>,
    #[serde(skip_serializing_if = "Metadata::is_empty")]
    metadata: Metadata<'a>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
struct Number(#[serde(serialize_with = "serialize_number")] Option<f64>);

#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
enum Metadata<'a> {
    Same(&'a str),
    Each(Vec<&'a str>),
}

impl Metadata<'_> {
    fn is_empty(&self) -> bool {
        matches!(self, Self::Same(""))
    }
}

impl<'a> NewSeries<'a> {
    /// Creates a series of metrics that have the same owner and name. `None` without metrics.
    #[must_use]
    pub fn new(metrics: &[&'a NewMetric]) -> Option<Self> {
        let NewMetric { owner, name, metadata, .. } = metrics.first()?;
        let is_same = metrics.iter().all(|metric| metric.metadata == *metadata);
        Some(Self {
            owner,
            name,
            date: column(metrics, |metric| metric.date, Option::is_some),
            value: metrics.iter().map(|metric| &metric.value).collect(),
            step: column(metrics, |metric| metric.step, Option::is_some),
            epoch: column(metrics, |metric| Number(metric.epoch), |epoch| epoch.0.is_some()),
            cumulative: column(metrics, |metric| metric.cumulative, |cumulative| *cumulative),
            metadata: match is_same {
                true => Metadata::Same(metadata),
                false => Metadata::Each(metrics.iter().map(|metric| metric.metadata.as_str()).collect()),
            },
        })
    }
}

/// Returns a field of all metrics, or nothing if no metric has it.
fn column<T>(
    metrics: &[&NewMetric],
    field: impl Fn(&NewMetric) -> T,
    is_given: impl Fn(&T) -> bool,
) -> Vec<T> {
    let column: Vec<T> = metrics.iter().map(|metric| field(metric)).collect();
    if column.iter().any(is_given) { column } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::super::points::parse_batch;
    use super::*;
    use crate::metric::Metric;
    use crate::name::RunId;
    use crate::storage::SeriesName;

    fn metric(value: &str) -> NewMetric {
        NewMetric::new(Owner::Run(RunId::new(3).unwrap()), "loss", value).unwrap()
    }

    fn wire(metrics: &[NewMetric]) -> String {
        serde_json::to_string(&NewSeries::new(&metrics.iter().collect::<Vec<_>>())).unwrap()
    }

    #[test]
    fn a_series_has_only_the_fields_of_its_metrics() {
        assert_eq!(
            wire(&[metric("1.50"), metric("NaN")]),
            r#"{"run_id":3,"name":"loss","value":["1.50","NaN"]}"#
        );
        let noted = NewMetric { metadata: "m".to_owned(), ..metric("1") };
        assert_eq!(
            wire(&[noted.clone(), noted]),
            r#"{"run_id":3,"name":"loss","value":["1","1"],"metadata":"m"}"#
        );
    }

    #[test]
    fn a_series_parses_back_to_its_metrics() {
        let metrics = [
            metric("1"),
            NewMetric { step: Some(-7), cumulative: true, date: Some(Timestamp::MAX), ..metric("a\"b") },
            NewMetric { epoch: Some(2.0), metadata: "{\"a\": 1}".to_owned(), ..metric("") },
        ];
        let now = Timestamp::from_micros(5);
        let batch = parse_batch(wire(&metrics).as_bytes(), now).unwrap();
        let SeriesName { owner, name } = batch.series[0].series.as_ref().unwrap();
        let parsed: Vec<Metric> = batch.series[0].points.metrics(owner, name).collect();
        assert_eq!(parsed, metrics.map(|metric| metric.at(now)));
    }
}
