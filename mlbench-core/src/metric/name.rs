//! Names of metrics.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The name of a metric, any text of 1 to 512 bytes (`val_global_Prec@1 @ 0`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(try_from = "String", into = "String")]
pub struct MetricName(String);

impl MetricName {
    /// Maximum length of a name in UTF-8 bytes.
    pub const MAX_BYTES: usize = 512;

    /// Validates a name.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidField`](crate::error::ErrorCode::InvalidField) for the field `name`.
    pub fn new(text: impl Into<String>) -> Result<Self> {
        let text = text.into();
        if (1..=Self::MAX_BYTES).contains(&text.len()) {
            return Ok(Self(text));
        }
        Err(Error::invalid("name", format_args!("must have 1 to 512 bytes, not {}", text.len())))
    }

    /// Returns the name.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_name_has_1_to_512_bytes() {
        assert!(MetricName::new("val_global_Prec@1 @ 0").is_ok());
        assert!(MetricName::new("é".repeat(256)).is_ok());
        assert_eq!(MetricName::new("").unwrap_err().detail(), "name: must have 1 to 512 bytes, not 0");
        assert!(MetricName::new("x".repeat(513)).is_err());
    }
}
