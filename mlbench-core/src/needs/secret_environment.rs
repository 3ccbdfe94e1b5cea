//! Environment variables whose values Kubernetes takes from Secrets.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::object_name::ObjectName;
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::quote::quote;

/// Name of the field in a request, for errors.
const FIELD: &str = "env_from_secrets";

/// A key of a Secret: `NAME/KEY`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct SecretKey {
    /// Name of the Secret.
    #[cfg_attr(test, ts(type = "string"))]
    pub secret: ObjectName,
    /// Key in its data.
    pub key: String,
}

impl SecretKey {
    /// Maximum number of characters of a key.
    pub const MAX_KEY_CHARS: usize = 253;

    /// Creates a reference.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) for `secret` or `key`.
    pub fn new(secret: &str, key: &str) -> Result<Self> {
        let secret = secret.parse().map_err(|error: String| Error::invalid("secret", error))?;
        let is_key = (1..=Self::MAX_KEY_CHARS).contains(&key.len())
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if !is_key {
            let rule = "is not the key of a Secret; use letters, digits, '-', '_' and '.'";
            return Err(Error::invalid("key", format_args!("{} {rule}", quote(key))));
        }
        Ok(Self { secret, key: key.to_owned() })
    }
}

impl fmt::Display for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.secret, self.key)
    }
}

impl FromStr for SecretKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once('/') {
            Some((secret, key)) => Self::new(secret, key),
            None => Err(Error::invalid("secret", format_args!("must be SECRET/KEY, not {}", quote(text)))),
        }
    }
}

/// Environment variables by name, each with the key of a Secret that has its value.
///
/// Kubernetes puts the values into the pods of the run, so this server never has them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(transparent)]
pub struct SecretEnvironment(BTreeMap<String, SecretKey>);

impl SecretEnvironment {
    /// Maximum number of variables.
    pub const MAX_VARIABLES: usize = 64;

    /// Collects and checks variables.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) for the field `env_from_secrets`, naming the variable.
    pub fn new(variables: impl IntoIterator<Item = (String, SecretKey)>) -> Result<Self> {
        let mut all = BTreeMap::new();
        for (name, key) in variables {
            Environment::check_name(FIELD, &name)?;
            if all.len() == Self::MAX_VARIABLES {
                let most = Self::MAX_VARIABLES;
                return Err(Error::invalid(FIELD, format_args!("must have at most {most} variables")));
            }
            if all.contains_key(&name) {
                let rule = format_args!("{} is there twice; remove one", quote(&name));
                return Err(Error::invalid(FIELD, rule));
            }
            all.insert(name, key);
        }
        Ok(Self(all))
    }

    /// Splits the text `NAME=SECRET/KEY` and checks it.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) for the field `env_from_secrets`.
    pub fn parse_variable(text: &str) -> Result<(String, SecretKey)> {
        let Some((name, key)) = text.split_once('=') else {
            let rule = format_args!("must be NAME=SECRET/KEY, not {}", quote(text));
            return Err(Error::invalid(FIELD, rule));
        };
        Environment::check_name(FIELD, name)?;
        Ok((name.to_owned(), key.parse().map_err(|error| Self::of_variable(name, &error))?))
    }

    /// Returns an error of the key of a variable as one of the field.
    pub(crate) fn of_variable(name: &str, error: &Error) -> Error {
        Error::new(error.code(), format!("{FIELD}: {}: {}", quote(name), error.detail()))
    }

    /// Checks that no variable has a value in the environment too.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) for the field `env_from_secrets`.
    pub fn check_beside(&self, environment: &Environment) -> Result<()> {
        match environment.iter().find(|(name, _)| self.0.contains_key(*name)) {
            Some((name, _)) => {
                let rule = format_args!("{} is in environment too; remove one", quote(name));
                Err(Error::invalid(FIELD, rule))
            }
            None => Ok(()),
        }
    }

    /// Returns whether there are no variables.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether it has a variable of this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Returns the variables by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &SecretKey)> {
        self.0.iter().map(|(name, key)| (name.as_str(), key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        SecretEnvironment::parse_variable(text).unwrap_err().detail().to_owned()
    }

    #[test]
    fn a_variable_names_the_key_of_a_secret() {
        let parsed = SecretEnvironment::parse_variable("TOKEN=hub/api.key").unwrap();
        let all = SecretEnvironment::new([parsed]).unwrap();
        let json = r#"{"TOKEN":{"secret":"hub","key":"api.key"}}"#;
        assert_eq!(serde_json::to_string(&all).unwrap(), json);
        assert_eq!(all.iter().next().unwrap().1.to_string(), "hub/api.key");
    }

    #[test]
    fn what_is_no_reference_is_refused_with_the_variable() {
        assert_eq!(refusal("A"), r#"env_from_secrets: must be NAME=SECRET/KEY, not "A""#);
        assert_eq!(refusal("A=b"), r#"env_from_secrets: "A": secret: must be SECRET/KEY, not "b""#);
        assert!(refusal("A=B/c").starts_with(r#"env_from_secrets: "A": secret: "B" is not the name of"#));
        assert!(refusal("A=b/").starts_with(r#"env_from_secrets: "A": key: "" is not the key of a Secret"#));
        assert_eq!(refusal("RANK=b/c"), r#"env_from_secrets: "RANK" is set by mlbench; remove it"#);
        let one = || SecretEnvironment::parse_variable("A=b/c").unwrap();
        let twice = SecretEnvironment::new([one(), one()]).unwrap_err();
        assert_eq!(twice.detail(), r#"env_from_secrets: "A" is there twice; remove one"#);
        let plain = Environment::new([("A".to_owned(), String::new())]).unwrap();
        let both = SecretEnvironment::new([one()]).unwrap().check_beside(&plain).unwrap_err();
        assert_eq!(both.detail(), r#"env_from_secrets: "A" is in environment too; remove one"#);
        let many = (0..65).map(|i| (format!("A{i}"), one().1));
        assert!(SecretEnvironment::new(many).unwrap_err().detail().contains("at most 64 variables"));
    }
}
