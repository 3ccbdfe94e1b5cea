//! Names of Kubernetes objects.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::quote::quote;

/// The name of an object in the namespace of the workers, such as a Secret: a DNS-1123 subdomain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(transparent)]
pub struct ObjectName(String);

impl ObjectName {
    /// Maximum number of characters.
    pub const MAX_CHARS: usize = 253;

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for ObjectName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_edge = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let is_label = |label: &str| {
            let bytes = label.as_bytes();
            bytes.first().is_some_and(|b| is_edge(*b))
                && bytes.last().is_some_and(|b| is_edge(*b))
                && bytes.iter().all(|b| is_edge(*b) || *b == b'-')
        };
        if text.len() <= Self::MAX_CHARS && text.split('.').all(is_label) {
            return Ok(Self(text.to_owned()));
        }
        let most = Self::MAX_CHARS;
        Err(format!(
            "{} is not the name of an object; use 1 to {most} characters a-z, 0-9, '-' and '.'",
            quote(text)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_kubernetes_takes() {
        for name in ["a", "db-1", "a.b", "0", &"a".repeat(253)] {
            assert_eq!(name.parse::<ObjectName>().unwrap().as_str(), name);
        }
        for name in ["", "-a", "a-", "A", "a_b", "a..b", ".", "a/b", "ü", &"a".repeat(254)] {
            let refusal = name.parse::<ObjectName>().unwrap_err();
            assert!(refusal.contains("is not the name of an object; use "), "{name}: {refusal}");
        }
    }
}
