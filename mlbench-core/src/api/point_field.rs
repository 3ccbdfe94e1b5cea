//! The query parameter `fields`, and points with the requested fields.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::metric::MetricValue;
use crate::quote::quote;
use crate::time::Timestamp;

/// A field of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PointField {
    /// Time of the measurement.
    Date,
    /// The measured value.
    Value,
    /// Whether the value adds up over time.
    Cumulative,
    /// Free text.
    Metadata,
    /// Training step of the measurement, `null` if the client sent none.
    Step,
    /// Training epoch of the measurement, `null` if the client sent none.
    Epoch,
}

impl PointField {
    /// All fields.
    pub const ALL: [Self; 6] =
        [Self::Date, Self::Value, Self::Cumulative, Self::Metadata, Self::Step, Self::Epoch];
    /// The fields of points in the specification.
    pub const DEFAULT: [Self; 2] = [Self::Date, Self::Value];

    /// Returns the wire form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Date => "date",
            Self::Value => "value",
            Self::Cumulative => "cumulative",
            Self::Metadata => "metadata",
            Self::Step => "step",
            Self::Epoch => "epoch",
        }
    }

    /// Parses a list like `date,value,step`.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) for an unknown or repeated field.
    pub fn list(text: &str) -> Result<Vec<Self>> {
        let mut fields = Vec::new();
        for word in text.split(',').map(str::trim) {
            let field: Self = word.parse()?;
            if fields.contains(&field) {
                return Err(Error::invalid("fields", format_args!("{word} is listed more than once")));
            }
            fields.push(field);
        }
        Ok(fields)
    }
}

impl FromStr for PointField {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == word).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            Error::invalid("fields", format_args!("unknown field {}; known fields: {known}", quote(word)))
        })
    }
}

/// A point with the requested fields.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(default)]
pub struct PointRecord {
    /// Time of the measurement.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub date: Option<Timestamp>,
    /// The measured value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub value: Option<MetricValue>,
    /// Whether the value adds up over time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub cumulative: Option<bool>,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub metadata: Option<String>,
    /// Training step of the measurement.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional = nullable))]
    pub step: Option<i64>,
    /// Training epoch of the measurement.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional = nullable))]
    pub epoch: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_order() {
        assert_eq!(PointField::list("value, date").unwrap(), [PointField::Value, PointField::Date]);
        let all = PointField::ALL.map(PointField::as_str).join(",");
        assert_eq!(PointField::list(&all).unwrap(), PointField::ALL);
    }

    #[test]
    fn unknown_and_repeated_fields_are_refused() {
        let refusal = |text: &str| PointField::list(text).unwrap_err().detail().to_owned();
        assert_eq!(
            refusal("date,vlaue"),
            "fields: unknown field \"vlaue\"; known fields: date, value, cumulative, metadata, step, epoch"
        );
        assert!(refusal("").contains("unknown field \"\""));
        assert_eq!(refusal("date,date"), "fields: date is listed more than once");
    }
}
