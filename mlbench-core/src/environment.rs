//! Environment variables that a run sets for its command.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::quote::quote;

/// Name of the field in a request, for errors.
const FIELD: &str = "environment";
/// Names and prefixes of the variables that mlbench sets itself.
const OWN_NAMES: [&str; 6] =
    ["RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "NODE_RANK", "GROUP_RANK"];
const OWN_PREFIXES: [&str; 2] = ["MASTER_", "MLBENCH_"];

/// Environment variables by name.
///
/// Everyone who can read the run can read them, so they are no place for secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(transparent)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Maximum number of variables.
    pub const MAX_VARIABLES: usize = 64;
    /// Maximum length of a value in bytes.
    pub const MAX_VALUE_BYTES: usize = 4096;
    /// Maximum length of all names and values together in bytes.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// Collects and checks variables.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) for the field `environment`, naming the variable.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        let (mut all, mut bytes) = (BTreeMap::new(), 0);
        for (name, value) in variables {
            check(&name, &value)?;
            bytes += name.len() + value.len();
            if bytes > Self::MAX_BYTES {
                let most = Self::MAX_BYTES;
                return Err(invalid(format_args!("must have at most {most} bytes of names and values")));
            }
            if all.len() == Self::MAX_VARIABLES {
                let most = Self::MAX_VARIABLES;
                return Err(invalid(format_args!("must have at most {most} variables")));
            }
            if all.contains_key(&name) {
                return Err(invalid(format_args!("{} is there twice; remove one", quote(&name))));
            }
            all.insert(name, value);
        }
        Ok(Self(all))
    }

    /// Splits the text `NAME=VALUE` and checks both.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) for the field `environment`.
    pub fn parse_variable(text: &str) -> Result<(String, String)> {
        let parts = text.split_once('=');
        let (name, value) =
            parts.ok_or_else(|| invalid(format_args!("must be NAME=VALUE, not {}", quote(text))))?;
        check(name, value)?;
        Ok((name.to_owned(), value.to_owned()))
    }

    /// Returns whether mlbench sets the variable of this name itself.
    #[must_use]
    pub fn is_own(name: &str) -> bool {
        OWN_NAMES.contains(&name) || OWN_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    }

    /// Checks the name of a variable that a user sets in this field of a request.
    pub(crate) fn check_name(field: &str, name: &str) -> Result<()> {
        let is_name = !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !is_name {
            let rule = "is not the name of a variable; use letters, digits and _, and no digit first";
            return Err(Error::invalid(field, format_args!("{} {rule}", quote(name))));
        }
        if Self::is_own(name) {
            return Err(Error::invalid(field, format_args!("{} is set by mlbench; remove it", quote(name))));
        }
        Ok(())
    }

    /// Returns the variables whose names are to be kept.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        let kept = self.0.iter().filter(|(name, _)| keep(name));
        Self(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// Returns whether there are no variables.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the variables by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

fn check(name: &str, value: &str) -> Result<()> {
    Environment::check_name(FIELD, name)?;
    if value.contains('\0') {
        return Err(invalid(format_args!("{} contains a NUL character; remove it", quote(name))));
    }
    if value.len() > Environment::MAX_VALUE_BYTES {
        let (length, most) = (value.len(), Environment::MAX_VALUE_BYTES);
        return Err(invalid(format_args!("{} has {length} bytes; use at most {most}", quote(name))));
    }
    Ok(())
}

fn invalid(rule: std::fmt::Arguments<'_>) -> Error {
    Error::invalid(FIELD, rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(variables: &[(&str, &str)]) -> String {
        let owned = variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
        Environment::new(owned).unwrap_err().detail().to_owned()
    }

    #[test]
    fn variables_of_any_value_are_kept_by_name() {
        let parsed = ["b=1=2", "_A9=", "c=\n'$x"].map(|text| Environment::parse_variable(text).unwrap());
        let environment = Environment::new(parsed).unwrap();
        let expected = [("_A9", ""), ("b", "1=2"), ("c", "\n'$x")];
        assert_eq!(environment.iter().collect::<Vec<_>>(), expected);
        assert_eq!(serde_json::to_string(&environment).unwrap(), r#"{"_A9":"","b":"1=2","c":"\n'$x"}"#);
    }

    #[test]
    fn invalid_variables_are_named_with_the_fix() {
        for name in ["", "1A", "A-B", "A B", "Ä", "A=B"] {
            let rule = "is not the name of a variable; use letters, digits and _, and no digit first";
            assert_eq!(refusal(&[(name, "")]), format!("environment: {name:?} {rule}"));
        }
        for name in
            ["RANK", "WORLD_SIZE", "LOCAL_RANK", "GROUP_RANK", "MASTER_ADDR", "MASTER_PORT", "MLBENCH_TOKEN"]
        {
            assert_eq!(refusal(&[(name, "")]), format!("environment: {name:?} is set by mlbench; remove it"));
        }
        assert_eq!(refusal(&[("A", "a\0")]), "environment: \"A\" contains a NUL character; remove it");
        assert_eq!(refusal(&[("A", ""), ("A", "")]), "environment: \"A\" is there twice; remove one");
        let text = Environment::parse_variable("HOME").unwrap_err();
        assert_eq!(text.detail(), "environment: must be NAME=VALUE, not \"HOME\"");
    }

    #[test]
    fn number_and_lengths_are_bounded() {
        let longest = "x".repeat(Environment::MAX_VALUE_BYTES);
        assert_eq!(Environment::new([("A".to_owned(), longest.clone())]).unwrap().iter().count(), 1);
        let longer = format!("{longest}x");
        assert_eq!(refusal(&[("A", &longer)]), "environment: \"A\" has 4097 bytes; use at most 4096");
        let many = |count: usize, value: &str| {
            Environment::new((0..count).map(|i| (format!("A{i}"), value.to_owned())))
        };
        assert_eq!(many(64, "").unwrap().iter().count(), 64);
        assert!(many(65, "").unwrap_err().detail().contains("at most 64 variables"));
        assert!(many(15, &longest).is_ok());
        assert!(many(16, &longest).unwrap_err().detail().contains("at most 65536 bytes"));
    }
}
