//! Pods and metrics on the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::api::{Fields, format_labels, parse_labels};
use crate::error::{Error, Result};
use crate::metric::{MetricName, MetricValue, Owner, Point};
use crate::name::{PodName, RunId};
use crate::pod::{Labels, PodPhase};
use crate::time::Timestamp;

/// Points by the name of their metric: the answer of `GET /api/metrics/{pod_name_or_run_id}/`.
pub type PointsByMetric = BTreeMap<String, Vec<Point>>;

/// The same by the name of the pod or the number of the run: the answer of `GET /api/metrics/`.
pub type PointsByOwner = BTreeMap<String, PointsByMetric>;

/// A worker pod: an item of `GET /api/pods/`. Its labels are a map here and a Python literal on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pod {
    /// Its name.
    pub name: PodName,
    /// Its labels.
    #[serde(serialize_with = "write_labels", deserialize_with = "read_labels")]
    pub labels: Labels,
    /// Where it is in its life.
    pub phase: PodPhase,
    /// Its address, empty while unknown.
    pub ip: String,
}

fn write_labels<S: Serializer>(labels: &Labels, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format_labels(labels))
}

fn read_labels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Labels, D::Error> {
    parse_labels(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

impl From<crate::pod::Pod> for Pod {
    fn from(pod: crate::pod::Pod) -> Self {
        Self { name: pod.name, labels: pod.labels, phase: pod.phase, ip: pod.ip }
    }
}

/// A stored metric: the answer of `POST /api/metrics`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WireMetric", into = "WireMetric")]
pub struct Metric {
    /// The pod or the run it belongs to.
    pub owner: Owner,
    /// Its name.
    pub name: MetricName,
    /// When it was measured.
    pub date: Timestamp,
    /// What was measured.
    pub value: MetricValue,
    /// Whether the value adds up over time.
    pub cumulative: bool,
    /// Free text.
    pub metadata: String,
    /// The step of the training at which it was measured; on the wire only where it was given.
    pub step: Option<i64>,
    /// The epoch of the training, which may be fractional; on the wire only where it was given.
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
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "write_epoch")]
    epoch: Option<f64>,
}

/// Whole epochs are written as they are mostly sent: `3`, not `3.0`.
fn write_epoch<S: Serializer>(epoch: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
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
        let owner = one_owner(pod_name, run_id)?;
        Ok(Self { owner, name, date, value, cumulative, metadata, step, epoch })
    }
}

fn one_owner(pod: Option<PodName>, run: Option<RunId>) -> Result<Owner> {
    match (pod, run) {
        (Some(name), None) => Ok(Owner::Pod(name)),
        (None, Some(id)) => Ok(Owner::Run(id)),
        (Some(_), Some(_)) => Err(Error::invalid(
            "pod_name, run_id",
            "a metric belongs to a pod or to a run; send one of the two",
        )),
        (None, None) => {
            Err(Error::invalid("pod_name, run_id", "missing; name the pod or the run the metric belongs to"))
        }
    }
}

/// A metric to store: the body of `POST /api/metrics`, and a point of a batch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NewMetric {
    /// The pod or the run it belongs to.
    #[serde(flatten, serialize_with = "write_owner")]
    pub owner: Owner,
    /// Its name.
    pub name: MetricName,
    /// When it was measured; the moment it arrives when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<Timestamp>,
    /// What was measured.
    pub value: MetricValue,
    /// Whether the value adds up over time.
    pub cumulative: bool,
    /// Free text.
    pub metadata: String,
    /// The step of the training at which it was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<i64>,
    /// The epoch of the training, which may be fractional; a finite number.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "write_epoch")]
    pub epoch: Option<f64>,
}

fn write_owner<S: Serializer>(owner: &Owner, serializer: S) -> Result<S::Ok, S::Error> {
    match owner {
        Owner::Pod(name) => serializer.collect_map([("pod_name", name)]),
        Owner::Run(id) => serializer.collect_map([("run_id", id)]),
    }
}

impl NewMetric {
    /// A metric that is measured now, is not cumulative and has no metadata.
    ///
    /// # Errors
    /// When the name is empty or longer than 512 bytes.
    pub fn new(owner: Owner, name: &str, value: impl Into<MetricValue>) -> Result<Self> {
        Ok(Self {
            owner,
            name: MetricName::new(name)?,
            date: None,
            value: value.into(),
            cumulative: false,
            metadata: String::new(),
            step: None,
            epoch: None,
        })
    }

    /// Reads the body.
    ///
    /// # Errors
    /// Naming the field; an owner that cannot exist is [`NotFound`](crate::ErrorCode::NotFound).
    pub fn from_fields(mut fields: Fields) -> Result<Self> {
        let pod = fields.text("pod_name")?.filter(|name| !name.is_empty());
        let run = fields.text_or_number("run_id")?.filter(|id| !id.is_empty());
        let name = fields.text("name")?;
        let date = fields.parsed("date")?;
        let value = fields.text_or_number("value")?;
        let cumulative = fields.boolean("cumulative")?.unwrap_or(false);
        let metadata = fields.text_or_structure("metadata")?.unwrap_or_default();
        let (step, epoch) = (fields.signed_integer("step")?, fields.finite("epoch")?);
        fields.finish()?;
        let missing = |field: &str| Error::invalid(field, "missing; a metric has one");
        let name = MetricName::new(name.ok_or_else(|| missing("name"))?)?;
        let value = MetricValue::new(value.ok_or_else(|| missing("value"))?);
        let pod = pod.map(|name| {
            PodName::new(name.as_str()).map_err(|_| Error::not_found(format_args!("pod {name:?}")))
        });
        let owner = one_owner(pod.transpose()?, run.map(|id| id.parse()).transpose()?)?;
        Ok(Self { owner, name, date, value, cumulative, metadata, step, epoch })
    }

    /// The metric as it is stored when it arrives at `now`.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Metric {
        let Self { owner, name, date, value, cumulative, metadata, step, epoch } = self;
        Metric { owner, name, date: date.unwrap_or(now), value, cumulative, metadata, step, epoch }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<NewMetric> {
        NewMetric::from_fields(Fields::from_json(body.as_bytes())?)
    }

    #[test]
    fn both_owners_and_neither_are_refused() {
        let both = read(r#"{"pod_name":"a","run_id":2,"name":"x","value":"1"}"#).unwrap_err();
        assert_eq!(
            both.detail(),
            "pod_name, run_id: a metric belongs to a pod or to a run; send one of the two"
        );
        let neither = read(r#"{"name":"x","value":"1"}"#).unwrap_err();
        assert!(neither.detail().contains("missing"), "{neither}");
    }

    #[test]
    fn numbers_that_json_has_no_word_for_are_read_as_other_languages_write_them() {
        for value in ["NaN", "Infinity", "-Infinity"] {
            // Anything but a plain text as metadata makes the spelling an unusual one.
            for metadata in [r#""""#, r#"{"NaN": 1}"#] {
                let metric =
                    read(&format!(r#"{{"run_id":2,"name":"x","value":{value},"metadata":{metadata}}}"#));
                assert_eq!(metric.unwrap().value.as_str(), value);
            }
        }
        let broken = read(r#"{"run_id":2,"name":"x","value":NaNo}"#).unwrap_err();
        assert!(broken.detail().starts_with("the body is not a JSON object (line 1"), "{broken}");
    }

    #[test]
    fn an_owner_that_cannot_exist_is_not_found() {
        for body in
            [r#"{"pod_name":"A b","name":"x","value":"1"}"#, r#"{"run_id":"1e3","name":"x","value":"1"}"#]
        {
            assert_eq!(read(body).unwrap_err().code(), crate::ErrorCode::NotFound, "{body}");
        }
    }

    #[test]
    fn a_metric_crosses_the_wire_both_ways() {
        let new = read(r#"{"run_id":2,"name":"loss @ 0","value":1.50,"metadata":{"epoch": 1}}"#).unwrap();
        assert_eq!((new.value.as_str(), new.metadata.as_str()), ("1.50", r#"{"epoch": 1}"#));
        assert_eq!(read(&serde_json::to_string(&new).unwrap()).unwrap(), new);
        let metric = new.at(Timestamp::EPOCH);
        let wire = serde_json::to_string(&metric).unwrap();
        assert!(!wire.contains("pod_name"), "{wire}");
        assert_eq!(serde_json::from_str::<Metric>(&wire).unwrap(), metric);
    }

    #[test]
    fn step_and_epoch_are_on_the_wire_where_they_were_given() {
        let plain = read(r#"{"run_id":2,"name":"x","value":1}"#).unwrap().at(Timestamp::EPOCH);
        assert!(!serde_json::to_string(&plain).unwrap().contains("step"));
        for (given, told) in [
            (r#""step":7,"epoch":1.5"#, r#""step":7,"epoch":1.5"#),
            (r#""step":"-3","epoch":"2""#, r#""step":-3,"epoch":2"#),
            (r#""step":null,"epoch":1e300"#, r#""epoch":1e+300"#),
        ] {
            let metric = read(&format!(r#"{{"run_id":2,"name":"x","value":1,{given}}}"#)).unwrap();
            let wire = serde_json::to_string(&metric.at(Timestamp::EPOCH)).unwrap();
            assert!(wire.ends_with(&format!("{told}}}")), "{wire}");
        }
        for (given, refusal) in [
            (r#""step":1.5"#, "step: must be a whole number, not \"1.5\""),
            (r#""step":9223372036854775808"#, "step: must be a whole number, not \"9223372036854775808\""),
            (r#""epoch":"NaN""#, "epoch: must be a number, not \"NaN\""),
        ] {
            let error = read(&format!(r#"{{"run_id":2,"name":"x","value":1,{given}}}"#)).unwrap_err();
            assert_eq!(error.detail(), refusal);
        }
    }

    #[test]
    fn a_pod_has_its_labels_as_a_text_on_the_wire() {
        let wire = r#"{"name":"w-0","labels":"{'app': 'mlbench'}","phase":"Running","ip":""}"#;
        let pod: Pod = serde_json::from_str(wire).unwrap();
        assert_eq!(pod.labels["app"], "mlbench");
        assert_eq!(serde_json::to_string(&pod).unwrap(), wire);
    }
}
