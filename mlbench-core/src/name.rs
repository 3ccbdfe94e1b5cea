//! Validated identifiers: run ids, run names and pod names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode, Result};
use crate::number::whole;
use crate::quote::quote;

/// The id of a run: 1, 2, 3 … in order of creation, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(transparent)]
pub struct RunId(i64);

impl RunId {
    /// Creates an id. Returns `None` for numbers below 1.
    #[must_use]
    pub const fn new(number: i64) -> Option<Self> {
        if number >= 1 { Some(Self(number)) } else { None }
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl RunId {
    /// Parses an id where it cannot be a name: a whole number in any spelling, such as `1.0`.
    ///
    /// # Errors
    /// [`NotFound`](crate::error::ErrorCode::NotFound) for every other text.
    pub(crate) fn from_number(text: &str) -> Result<Self> {
        let number = whole(text).and_then(Self::new);
        number.ok_or_else(|| Error::not_found(format_args!("run {}", quote(text))))
    }
}

impl FromStr for RunId {
    type Err = Error;

    /// Parses decimal digits. Every other text is not found, because it comes from a path segment.
    ///
    /// A path is no number: each run has one address, so `1.0` is none.
    fn from_str(text: &str) -> Result<Self> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let number = if digits { text.parse().ok().and_then(Self::new) } else { None };
        number.ok_or_else(|| match whole(text).and_then(Self::new) {
            Some(id) if !digits => {
                let problem = format!("run {} does not exist; in a path, write the id as {id}", quote(text));
                Error::new(ErrorCode::NotFound, problem)
            }
            _ => Error::not_found(format_args!("run {}", quote(text))),
        })
    }
}

/// The name of a run, chosen by a person and not unique: 1 to 100 characters, no control characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(try_from = "String", into = "String")]
pub struct RunName(String);

impl RunName {
    /// Maximum length of a name in characters (Unicode scalar values).
    pub const MAX_CHARS: usize = 100;

    /// Validates a name.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidField`](crate::error::ErrorCode::InvalidField) for the field `name`.
    pub fn new(text: impl Into<String>) -> Result<Self> {
        let text = text.into();
        let length = text.chars().count();
        if length == 0 || length > Self::MAX_CHARS {
            return Err(Error::invalid("name", format_args!("must have 1 to 100 characters, not {length}")));
        }
        if let Some(c) = text.chars().find(|c| c.is_control()) {
            return Err(Error::invalid("name", format_args!("must not contain the control character {c:?}")));
        }
        Ok(Self(text))
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for RunName {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        Self::new(text)
    }
}

impl From<RunName> for String {
    fn from(name: RunName) -> Self {
        name.0
    }
}

/// The name of a pod, a DNS-1123 subdomain (lowercase letters, digits, `-` and `.`, at most 253 characters).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(try_from = "String", into = "String")]
pub struct PodName(String);

impl PodName {
    /// Validates a name.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidField`](crate::error::ErrorCode::InvalidField) for the field `pod_name`.
    pub fn new(text: impl Into<String>) -> Result<Self> {
        let text = text.into();
        let label = |label: &str| {
            let edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
            edge(label.as_bytes().first())
                && edge(label.as_bytes().last())
                && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        if text.len() <= 253 && text.split('.').all(label) {
            return Ok(Self(text));
        }
        let rule = "must be a pod name: lowercase letters, digits, '-' and '.', at most 253 characters";
        Err(Error::invalid("pod_name", rule))
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PodName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for PodName {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        Self::new(text)
    }
}

impl From<PodName> for String {
    fn from(name: PodName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_names_may_hold_spaces_and_any_script() {
        for name in ["Name of the run", "2nd try", "ü", " ", &"x".repeat(100), &"é".repeat(100)] {
            assert_eq!(RunName::new(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn invalid_run_names_are_refused_with_the_rule() {
        let refusal = |name: &str| RunName::new(name).unwrap_err().detail().to_owned();
        assert_eq!(refusal(""), "name: must have 1 to 100 characters, not 0");
        assert_eq!(refusal(&"x".repeat(101)), "name: must have 1 to 100 characters, not 101");
        assert_eq!(refusal("a\0b"), "name: must not contain the control character '\\0'");
        assert_eq!(refusal("a\nb"), "name: must not contain the control character '\\n'");
    }

    #[test]
    fn run_ids_are_decimal_digits() {
        assert_eq!("42".parse::<RunId>().unwrap().get(), 42);
        for text in ["", "0", "-1", "1e3", "+1", " 1", "1.0", "9223372036854775808", "quiet-mink"] {
            assert_eq!(text.parse::<RunId>().unwrap_err().code(), ErrorCode::NotFound, "{text:?}");
        }
        let refusal = |text: &str| text.parse::<RunId>().unwrap_err().detail().to_owned();
        assert_eq!(refusal("1.0"), "run \"1.0\" does not exist; in a path, write the id as 1");
        assert_eq!(refusal("1.5"), "run \"1.5\" does not exist");
    }

    #[test]
    fn pod_names_are_dns_subdomains() {
        for name in ["worn-mouse-mlbench-worker-55bbdd4d8c-4mxh5", "a", "0", "a.b-c"] {
            assert!(PodName::new(name).is_ok(), "{name:?}");
        }
        for name in ["", "A", "-a", "a-", "a..b", ".a", "a b", "ü", &"a".repeat(254)] {
            assert!(PodName::new(name).is_err(), "{name:?}");
        }
    }
}
