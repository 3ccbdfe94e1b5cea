//! Metrics: who owns them, what they are called, what they say.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::name::{PodName, RunId};
use crate::time::Timestamp;

/// What a metric belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// A worker pod, in the cluster now or formerly.
    Pod(PodName),
    /// A run.
    Run(RunId),
}

impl Owner {
    /// Which of the two it is.
    #[must_use]
    pub const fn kind(&self) -> MetricType {
        match self {
            Self::Pod(_) => MetricType::Pod,
            Self::Run(_) => MetricType::Run,
        }
    }

    /// Its name or its number: the key of its metrics, and the last segment of their path.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Pod(name) => name.to_string(),
            Self::Run(id) => id.to_string(),
        }
    }
}

/// `pod worker-0` or `run 3`, as it stands in sentences.
impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pod(name) => write!(f, "pod {name}"),
            Self::Run(id) => write!(f, "run {id}"),
        }
    }
}

/// The query parameter `metric_type`: what a path segment names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricType {
    /// Metrics of worker pods.
    #[default]
    Pod,
    /// Metrics of runs.
    Run,
}

impl MetricType {
    /// The wire form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pod => "pod",
            Self::Run => "run",
        }
    }
}

/// The name of a metric: any text of 1 to 512 bytes (`val_global_Prec@1 @ 0`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MetricName(String);

impl MetricName {
    /// The most bytes of a name, in UTF-8.
    pub const MAX_BYTES: usize = 512;

    /// Checks a name.
    ///
    /// # Errors
    /// [`crate::ErrorCode::InvalidField`] naming `name`.
    pub fn new(text: impl Into<String>) -> Result<Self> {
        let text = text.into();
        if (1..=Self::MAX_BYTES).contains(&text.len()) {
            return Ok(Self(text));
        }
        Err(Error::invalid("name", format_args!("must have 1 to 512 bytes, not {}", text.len())))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MetricName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for MetricName {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        Self::new(text)
    }
}

impl From<MetricName> for String {
    fn from(name: MetricName) -> Self {
        name.0
    }
}

/// What was measured, as the text it was sent as: it comes back byte for byte, number or not.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MetricValue(String);

impl MetricValue {
    /// A value from its text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number that the text is, if it is one; `NaN`, `Infinity` and `inf` are, in any case.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        self.0.trim().parse().ok()
    }

    /// The number, if it is one that can be averaged.
    #[must_use]
    pub fn as_finite(&self) -> Option<f64> {
        self.as_f64().filter(|number| number.is_finite())
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

/// The shortest text that reads back as the same number; `NaN`, `Infinity` and `-Infinity` as JSON libraries of
/// other languages spell them.
impl From<f64> for MetricValue {
    fn from(number: f64) -> Self {
        Self(if number == f64::INFINITY {
            "Infinity".to_owned()
        } else if number == f64::NEG_INFINITY {
            "-Infinity".to_owned()
        } else {
            number.to_string()
        })
    }
}

/// One measurement of a series: exactly the two keys of the specification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// When it was measured.
    pub date: Timestamp,
    /// What was measured.
    pub value: MetricValue,
}

impl Point {
    /// A point from its two halves.
    pub fn new(date: Timestamp, value: impl Into<MetricValue>) -> Self {
        Self { date, value: value.into() }
    }
}

/// `name` without what file names may not hold: `/` becomes `_` (specification of the zip download), and so do `\`,
/// which other systems take for a `/`, and control characters.
#[must_use]
pub fn file_name_part(name: &str) -> Cow<'_, str> {
    let forbidden = |c: char| matches!(c, '/' | '\\') || c.is_control();
    if name.contains(forbidden) { Cow::Owned(name.replace(forbidden, "_")) } else { Cow::Borrowed(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_keeps_its_text_and_knows_its_number() {
        let value = |text: &str| MetricValue::from(text);
        assert_eq!(value("1.50").as_str(), "1.50");
        assert_eq!(value("1.50").as_f64(), Some(1.5));
        assert!(value("NaN").as_f64().is_some_and(f64::is_nan));
        assert_eq!(value("-Infinity").as_f64(), Some(f64::NEG_INFINITY));
        assert_eq!(value("Infinity").as_finite(), None);
        assert_eq!(value("80% Top 1 Validation Accuracy reached in 12.3 seconds").as_f64(), None);
    }

    #[test]
    fn a_number_is_written_so_that_it_reads_back() {
        for number in [0.1 + 0.2, 1e-300, f64::MAX, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(MetricValue::from(number).as_f64(), Some(number));
        }
        assert_eq!(MetricValue::from(f64::NAN).as_str(), "NaN");
    }

    #[test]
    fn a_metric_name_has_1_to_512_bytes() {
        assert!(MetricName::new("val_global_Prec@1 @ 0").is_ok());
        assert!(MetricName::new("é".repeat(256)).is_ok());
        assert_eq!(MetricName::new("").unwrap_err().detail(), "name: must have 1 to 512 bytes, not 0");
        assert!(MetricName::new("x".repeat(513)).is_err());
    }

    #[test]
    fn a_file_name_stays_in_its_folder() {
        assert_eq!(file_name_part("val_global_Prec@1 @ 0"), "val_global_Prec@1 @ 0");
        assert_eq!(file_name_part("a/..\\b\n"), "a_.._b_");
    }
}
