//! Metrics to store, and points by metric and owner.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::fields::Fields;
use crate::error::{Error, Result};
use crate::metric::number::serialize_number;
use crate::metric::{Metric, MetricName, MetricValue, Owner, Point};
use crate::name::{PodName, RunId};
use crate::quote::quote;
use crate::time::Timestamp;

/// Points by metric name, the response of `GET /api/metrics/{pod_name_or_run_id}/`.
pub type PointsByMetric = BTreeMap<String, Vec<Point>>;

/// Points by pod name or run id, then by metric name, the response of `GET /api/metrics/`.
pub type PointsByOwner = BTreeMap<String, PointsByMetric>;

/// A metric to store, the body of `POST /api/metrics/` and a point of a batch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NewMetric {
    /// The pod or the run that the metric belongs to.
    #[serde(flatten, serialize_with = "serialize_owner")]
    pub owner: Owner,
    /// Name of the metric.
    pub name: MetricName,
    /// Time of the measurement. Defaults to the time of arrival.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<Timestamp>,
    /// The measured value.
    pub value: MetricValue,
    /// Whether the value adds up over time.
    pub cumulative: bool,
    /// Free text.
    pub metadata: String,
    /// Training step of the measurement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<i64>,
    /// Training epoch of the measurement, a finite and possibly fractional number.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "serialize_number")]
    pub epoch: Option<f64>,
}

pub(super) fn serialize_owner<S: Serializer>(owner: &Owner, serializer: S) -> Result<S::Ok, S::Error> {
    match owner {
        Owner::Pod(name) => serializer.collect_map([("pod_name", name)]),
        Owner::Run(id) => serializer.collect_map([("run_id", id)]),
    }
}

impl NewMetric {
    /// Creates a metric without a date, metadata, step or epoch that is not cumulative.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) if the name is empty or longer than 512 bytes.
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

    /// Parses the fields of a request.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) or
    /// [`UnknownField`](crate::error::ErrorCode::UnknownField) for the field, or
    /// [`NotFound`](crate::error::ErrorCode::NotFound) for an owner that cannot exist.
    pub fn from_fields(fields: Fields) -> Result<Self> {
        Self::read(fields, SeriesFields::owner)
    }

    /// Parses the fields of a metric that belongs to `owner` and need not name it.
    ///
    /// # Errors
    /// Those of [`from_fields`](Self::from_fields), and
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) for another owner.
    pub fn from_fields_of(owner: &Owner, fields: Fields) -> Result<Self> {
        Self::read(fields, |series| match series.owner() {
            _ if series.names_no_owner() => Ok(owner.clone()),
            Ok(named) if named == *owner => Ok(named),
            Ok(named) => {
                let field = if matches!(named, Owner::Run(_)) { "run_id" } else { "pod_name" };
                Err(Error::invalid(
                    field,
                    format_args!("names {named}, but the metric is one of {owner}; leave it out"),
                ))
            }
            Err(error) => Err(error),
        })
    }

    fn read(mut fields: Fields, owner: impl FnOnce(&SeriesFields) -> Result<Owner>) -> Result<Self> {
        let series = SeriesFields::take(&mut fields)?;
        let date = fields.parsed("date")?;
        let value = fields.text_or_number("value")?;
        let cumulative = fields.boolean("cumulative")?.unwrap_or(false);
        let metadata = fields.text_or_structure("metadata")?.unwrap_or_default();
        let (step, epoch) = (fields.signed_integer("step")?, fields.finite("epoch")?);
        fields.finish()?;
        let name = series.name()?;
        let value = MetricValue::new(value.ok_or_else(|| missing("value"))?);
        let owner = owner(&series)?;
        Ok(Self { owner, name, date, value, cumulative, metadata, step, epoch })
    }

    /// Converts to the metric to store, with `now` as the default date.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Metric {
        let Self { owner, name, date, value, cumulative, metadata, step, epoch } = self;
        Metric { owner, name, date: date.unwrap_or(now), value, cumulative, metadata, step, epoch }
    }
}

/// The fields that name a series.
pub(super) struct SeriesFields {
    pod: Option<String>,
    run: Option<String>,
    name: Option<String>,
}

impl SeriesFields {
    /// Takes the fields from a request.
    pub(super) fn take(fields: &mut Fields) -> Result<Self> {
        let pod = fields.text("pod_name")?.filter(|name| !name.is_empty());
        let run = fields.text_or_number("run_id")?.filter(|id| !id.is_empty());
        Ok(Self { pod, run, name: fields.text("name")? })
    }

    fn names_no_owner(&self) -> bool {
        self.pod.is_none() && self.run.is_none()
    }

    /// Returns the pod or the run.
    pub(super) fn owner(&self) -> Result<Owner> {
        let pod = self.pod.as_deref().map(|name| {
            PodName::new(name).map_err(|_| Error::not_found(format_args!("pod {}", quote(name))))
        });
        Owner::from_fields(pod.transpose()?, self.run.as_deref().map(RunId::from_number).transpose()?)
    }

    /// Returns the name of the metric.
    pub(super) fn name(&self) -> Result<MetricName> {
        MetricName::new(self.name.clone().ok_or_else(|| missing("name"))?)
    }
}

/// Returns the error for a metric without a field.
pub(super) fn missing(field: &str) -> Error {
    Error::invalid(field, "missing; every metric needs one")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<NewMetric> {
        NewMetric::from_fields(Fields::from_json(body.as_bytes())?)
    }

    #[test]
    fn a_metric_has_exactly_one_owner() {
        let both = read(r#"{"pod_name":"a","run_id":2,"name":"x","value":"1"}"#).unwrap_err();
        assert_eq!(both.detail(), "pod_name, run_id: both are given; send only one of them");
        let neither = read(r#"{"name":"x","value":"1"}"#).unwrap_err();
        assert!(neither.detail().contains("missing"), "{neither}");
    }

    #[test]
    fn a_metric_of_a_known_owner_need_not_name_it() {
        let owner = Owner::Run(RunId::new(2).unwrap());
        let read = |owner_fields: &str| {
            let body = format!(r#"{{{owner_fields}"name":"x","value":1.50,"step":3}}"#);
            NewMetric::from_fields_of(&owner, Fields::from_json(body.as_bytes())?)
        };
        let metric = read("").unwrap();
        assert_eq!((&metric.owner, metric.value.as_str(), metric.step), (&owner, "1.50", Some(3)));
        assert_eq!(read(r#""run_id":"2.0","#).unwrap(), metric);
        let refusal = read(r#""run_id":3,"#).unwrap_err();
        assert_eq!(refusal.detail(), "run_id: names run 3, but the metric is one of run 2; leave it out");
        let refusal = read(r#""pod_name":"a","#).unwrap_err();
        assert!(refusal.detail().starts_with("pod_name: names pod a"), "{refusal}");
    }

    #[test]
    fn bare_non_finite_numbers_are_accepted() {
        for value in ["NaN", "Infinity", "-Infinity"] {
            // Metadata other than a plain string takes the general path.
            for metadata in [r#""""#, r#"{"NaN": 1}"#] {
                let metric =
                    read(&format!(r#"{{"run_id":2,"name":"x","value":{value},"metadata":{metadata}}}"#));
                assert_eq!(metric.unwrap().value.as_str(), value);
            }
        }
        let broken = read(r#"{"run_id":2,"name":"x","value":NaNo}"#).unwrap_err();
        assert!(broken.detail().starts_with("body: not a JSON object (line 1"), "{broken}");
    }

    #[test]
    fn an_owner_that_cannot_exist_is_not_found() {
        for body in
            [r#"{"pod_name":"A b","name":"x","value":"1"}"#, r#"{"run_id":"1e-3","name":"x","value":"1"}"#]
        {
            assert_eq!(read(body).unwrap_err().code(), crate::error::ErrorCode::NotFound, "{body}");
        }
    }

    #[test]
    fn the_id_of_a_run_has_every_spelling_of_a_number() {
        for id in ["100", "100.0", "1e2", r#""1.0e+2""#] {
            let new = read(&format!(r#"{{"run_id":{id},"name":"x","value":1}}"#)).unwrap();
            assert_eq!(new.owner, Owner::Run("100".parse().unwrap()), "{id}");
        }
    }

    #[test]
    fn metrics_serialize_and_parse_back() {
        let new = read(r#"{"run_id":2,"name":"loss @ 0","value":1.50,"metadata":{"epoch": 1}}"#).unwrap();
        assert_eq!((new.value.as_str(), new.metadata.as_str()), ("1.50", r#"{"epoch": 1}"#));
        assert_eq!(read(&serde_json::to_string(&new).unwrap()).unwrap(), new);
        let metric = new.at(Timestamp::EPOCH);
        let wire = serde_json::to_string(&metric).unwrap();
        assert!(!wire.contains("pod_name"), "{wire}");
        assert_eq!(serde_json::from_str::<Metric>(&wire).unwrap(), metric);
    }

    #[test]
    fn step_and_epoch_are_on_the_wire_if_sent() {
        let plain = read(r#"{"run_id":2,"name":"x","value":1}"#).unwrap().at(Timestamp::EPOCH);
        assert!(!serde_json::to_string(&plain).unwrap().contains("step"));
        for (given, written) in [
            (r#""step":7,"epoch":1.5"#, r#""step":7,"epoch":1.5"#),
            (r#""step":"-3","epoch":"2""#, r#""step":-3,"epoch":2"#),
            (r#""step":null,"epoch":1e300"#, r#""epoch":1e+300"#),
            (r#""step":100.0,"epoch":1.0"#, r#""step":100,"epoch":1"#),
            (r#""step":"1e2""#, r#""step":100"#),
        ] {
            let metric = read(&format!(r#"{{"run_id":2,"name":"x","value":1,{given}}}"#)).unwrap();
            let wire = serde_json::to_string(&metric.at(Timestamp::EPOCH)).unwrap();
            assert!(wire.ends_with(&format!("{written}}}")), "{wire}");
        }
        for (given, refusal) in [
            (r#""step":1.5"#, "step: must be a whole number, not \"1.5\""),
            (
                r#""step":9223372036854775808"#,
                "step: must be a whole number of at most 64 bits, not \"9223372036854775808\"",
            ),
            (r#""epoch":"NaN""#, "epoch: must be a number, not \"NaN\""),
        ] {
            let error = read(&format!(r#"{{"run_id":2,"name":"x","value":1,{given}}}"#)).unwrap_err();
            assert_eq!(error.detail(), refusal);
        }
    }
}
