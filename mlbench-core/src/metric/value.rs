//! Values of metrics.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::number;

/// A measured value, a number or any other text, preserved byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(transparent)]
pub struct MetricValue(String);

impl MetricValue {
    /// Creates a value from its text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Parses the text as a number. Accepts `NaN`, `Infinity` and `inf` in any letter case.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        number::parse(&self.0)
    }

    /// Parses the text as a finite number.
    #[must_use]
    pub fn as_finite(&self) -> Option<f64> {
        number::parse_finite(&self.0)
    }
}

impl fmt::Display for MetricValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<&str> for MetricValue {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for MetricValue {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// Formats a number as the shortest text that parses back to it.
///
/// Non-finite numbers become `NaN`, `Infinity` and `-Infinity`, as Python's JSON library spells them.
impl From<f64> for MetricValue {
    fn from(number: f64) -> Self {
        Self(match number {
            f64::INFINITY => "Infinity".to_owned(),
            f64::NEG_INFINITY => "-Infinity".to_owned(),
            number if number.is_nan() => "NaN".to_owned(),
            finite => number::plain_number(finite, str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_keeps_its_text_and_parses_as_a_number() {
        let value = |text: &str| MetricValue::from(text);
        assert_eq!(value("1.50").as_str(), "1.50");
        assert_eq!(value("1.50").as_f64(), Some(1.5));
        assert!(value("NaN").as_f64().is_some_and(f64::is_nan));
        assert_eq!(value("-Infinity").as_f64(), Some(f64::NEG_INFINITY));
        assert_eq!(value("Infinity").as_finite(), None);
        assert_eq!(value("80% Top 1 Validation Accuracy reached in 12.3 seconds").as_f64(), None);
    }

    #[test]
    fn formatted_numbers_parse_back() {
        for number in [0.1 + 0.2, 1e-300, f64::MAX, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(MetricValue::from(number).as_f64(), Some(number));
        }
        assert_eq!(MetricValue::from(f64::NAN).as_str(), "NaN");
    }
}
