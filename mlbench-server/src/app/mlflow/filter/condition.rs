//! Conditions, and whether something meets them.

use std::borrow::Cow;

use super::like::is_like;

/// What a condition looks at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::app::mlflow) enum Key {
    Metric(String),
    Param(String),
    Tag(String),
    Attribute(&'static str),
}

/// A value that a condition looks at.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::app::mlflow) enum Found<'a> {
    Number(f64),
    Text(Cow<'a, str>),
}

/// What a filter selects.
pub(in crate::app::mlflow) trait Subject {
    /// Returns the value of a key.
    fn find(&self, key: &Key) -> Option<Found<'_>>;
}

/// Conditions that all must hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::app::mlflow) struct Filter(pub(super) Vec<Condition>);

/// One condition.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Condition {
    pub(super) key: Key,
    pub(super) test: Test,
}

/// What the value of a key must be. Nothing is true of a key without a value, except that it has none.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    Number(&'static str, f64),
    Text {
        is: bool,
        text: String,
    },
    /// The pattern for any case is in small letters.
    Like {
        pattern: String,
        any_case: bool,
    },
    OneOf {
        is: bool,
        texts: Vec<String>,
    },
    Exists(bool),
}

impl Filter {
    /// Returns the names of the metrics that the filter looks at.
    pub(in crate::app::mlflow) fn metrics(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|condition| match &condition.key {
            Key::Metric(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Returns whether a subject meets all conditions.
    pub(in crate::app::mlflow) fn selects(&self, subject: &impl Subject) -> bool {
        self.0.iter().all(|condition| condition.holds(subject))
    }

    /// Returns whether a subject, whose metrics are not known, meets all other conditions.
    pub(in crate::app::mlflow) fn may_select(&self, subject: &impl Subject) -> bool {
        let mut others = self.0.iter().filter(|condition| !matches!(condition.key, Key::Metric(_)));
        others.all(|condition| condition.holds(subject))
    }
}

impl Condition {
    fn holds(&self, subject: &impl Subject) -> bool {
        match (subject.find(&self.key), &self.test) {
            (found, Test::Exists(exists)) => found.is_some() == *exists,
            (None, _) => false,
            (Some(Found::Number(number)), Test::Number(comparison, wanted)) => {
                compare(number, comparison, *wanted)
            }
            (Some(Found::Text(found)), Test::Text { is, text }) => (found == text.as_str()) == *is,
            (Some(Found::Text(found)), Test::Like { pattern, any_case: false }) => is_like(&found, pattern),
            (Some(Found::Text(found)), Test::Like { pattern, any_case: true }) => {
                is_like(&found.to_lowercase(), pattern)
            }
            (Some(Found::Text(found)), Test::OneOf { is, texts }) => {
                texts.iter().any(|text| found == text.as_str()) == *is
            }
            (Some(_), _) => false,
        }
    }
}

#[expect(clippy::float_cmp, reason = "MLflow compares like this")]
fn compare(number: f64, comparison: &str, wanted: f64) -> bool {
    match comparison {
        "=" => number == wanted,
        "!=" => number != wanted,
        "<" => number < wanted,
        "<=" => number <= wanted,
        ">" => number > wanted,
        _ => number >= wanted,
    }
}
