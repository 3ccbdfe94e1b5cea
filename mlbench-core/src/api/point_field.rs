//! What an answer tells of each point: the query parameter `fields`.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::metric::MetricValue;
use crate::time::Timestamp;

/// A field of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PointField {
    /// When it was measured.
    Date,
    /// What was measured.
    Value,
    /// Whether the value adds up over time.
    Cumulative,
    /// Free text.
    Metadata,
    /// The step of the training, `null` where none was given.
    Step,
    /// The epoch of the training, `null` where none was given.
    Epoch,
}

impl PointField {
    /// Every field.
    pub const ALL: [Self; 6] =
        [Self::Date, Self::Value, Self::Cumulative, Self::Metadata, Self::Step, Self::Epoch];
    /// What the specification's points have.
    pub const DEFAULT: [Self; 2] = [Self::Date, Self::Value];

    /// The wire form.
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

    /// Reads a list like `date,value,step`.
    ///
    /// # Errors
    /// [`InvalidField`](crate::ErrorCode::InvalidField) naming the fields there are; also for one that stands there twice.
    pub fn list(text: &str) -> Result<Vec<Self>> {
        let mut fields = Vec::new();
        for word in text.split(',').map(str::trim) {
            let field: Self = word.parse()?;
            if fields.contains(&field) {
                return Err(Error::invalid("fields", format_args!("{word} stands there twice")));
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
            let there = Self::ALL.map(Self::as_str).join(", ");
            let word: String = word.chars().take(60).collect();
            Error::invalid("fields", format_args!("a point has no field {word:?}; there are {there}"))
        })
    }
}

/// A point with the fields that were asked for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PointRecord {
    /// When it was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<Timestamp>,
    /// What was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<MetricValue>,
    /// Whether the value adds up over time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cumulative: Option<bool>,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
    /// The step of the training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<i64>,
    /// The epoch of the training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_taken_in_the_order_they_are_named() {
        assert_eq!(PointField::list("value, date").unwrap(), [PointField::Value, PointField::Date]);
        let all = PointField::ALL.map(PointField::as_str).join(",");
        assert_eq!(PointField::list(&all).unwrap(), PointField::ALL);
    }

    #[test]
    fn a_field_that_is_not_there_is_refused_naming_those_that_are() {
        let refusal = |text: &str| PointField::list(text).unwrap_err().detail().to_owned();
        assert_eq!(
            refusal("date,vlaue"),
            "fields: a point has no field \"vlaue\"; there are date, value, cumulative, metadata, step, epoch"
        );
        assert!(refusal("").contains("no field \"\""));
        assert_eq!(refusal("date,date"), "fields: date stands there twice");
    }
}
