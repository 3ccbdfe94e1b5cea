use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bounds::{check_key, check_size, check_text, repeated, split};
use super::value::ParamValue;
use crate::error::{Error, ErrorCode, Result};
use crate::quote::{quote, shorten};

/// Name of the field in a request, for errors.
const FIELD: &str = "params";

/// Parameters by name. A parameter never gets another value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Params(BTreeMap<String, ParamValue>);

impl Params {
    /// Collects and checks parameters.
    ///
    /// # Errors
    /// [`InvalidField`](ErrorCode::InvalidField) for the field `params`, naming the parameter.
    pub fn new(params: impl IntoIterator<Item = (String, ParamValue)>) -> Result<Self> {
        let mut all = Self::default();
        for (name, value) in params {
            check_key(FIELD, &name)?;
            if let ParamValue::Text(text) = &value {
                check_text(FIELD, &name, text)?;
            }
            if all.0.contains_key(&name) {
                return Err(repeated(FIELD, &name));
            }
            all.0.insert(name, value);
        }
        all.check_size()?;
        Ok(all)
    }

    /// Splits the text `NAME=VALUE` into a name and the value that [`ParamValue::parse`] reads.
    ///
    /// # Errors
    /// [`InvalidField`](ErrorCode::InvalidField) for the field `params`.
    pub fn parse_one(text: &str) -> Result<(String, ParamValue)> {
        let (name, value) = split(FIELD, text)?;
        check_key(FIELD, name)?;
        Ok((name.to_owned(), ParamValue::parse(value)))
    }

    /// Returns these parameters with others added.
    ///
    /// # Errors
    /// [`ParamConflict`](ErrorCode::ParamConflict) naming a parameter that has another value,
    /// [`InvalidField`](ErrorCode::InvalidField) when they are too many or too large together.
    pub fn with(&self, added: &Self) -> Result<Self> {
        let mut all = self.clone();
        for (name, value) in &added.0 {
            match self.0.get(name) {
                Some(stored) if stored != value => return Err(conflict(name, stored, value)),
                Some(_) => {}
                None => {
                    all.0.insert(name.clone(), value.clone());
                }
            }
        }
        all.check_size()?;
        Ok(all)
    }

    /// Returns the parameters whose names are to be kept.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self(
            self.0
                .iter()
                .filter(|(name, _)| keep(name))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        )
    }

    /// Returns the value of a parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&ParamValue> {
        self.0.get(name)
    }

    /// Returns whether there are no parameters.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the parameters by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ParamValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    fn check_size(&self) -> Result<()> {
        let bytes = self.0.iter().map(|(name, value)| name.len() + value.bytes()).sum();
        check_size(FIELD, self.0.len(), bytes)
    }
}

fn conflict(name: &str, stored: &ParamValue, value: &ParamValue) -> Error {
    let (name, stored, value) = (quote(name), stored.to_json(), value.to_json());
    let (stored, value) = (shorten(&stored), shorten(&value));
    let rule = "a parameter keeps its value, so use another name or a tag";
    Error::new(
        ErrorCode::ParamConflict,
        format!("{FIELD}: {name} is {stored} and cannot become {value}; {rule}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(pairs: &[(&str, &str)]) -> Result<Params> {
        Params::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), ParamValue::parse(value))))
    }

    #[test]
    fn parameters_are_added_and_never_changed() {
        let first = params(&[("lr", "0.1"), ("model", "resnet")]).unwrap();
        let both = first.with(&params(&[("lr", "0.10"), ("seed", "7")]).unwrap()).unwrap();
        assert_eq!(serde_json::to_string(&both).unwrap(), r#"{"lr":0.1,"model":"resnet","seed":7}"#);
        let error = first.with(&params(&[("lr", "\"0.1\"")]).unwrap()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ParamConflict);
        let detail = r#"params: "lr" is 0.1 and cannot become "0.1"; a parameter keeps its value, so use another name or a tag"#;
        assert_eq!(error.detail(), detail);
    }

    #[test]
    fn invalid_parameters_are_named_with_the_fix() {
        let refusal = |pairs: &[(&str, &str)]| params(pairs).unwrap_err().detail().to_owned();
        assert_eq!(refusal(&[("", "1")]), r#"params: "" has 0 characters; use a name of 1 to 250"#);
        assert_eq!(refusal(&[("a\nb", "1")]), r#"params: the name "a\nb" contains '\n'; remove it"#);
        assert_eq!(refusal(&[("a=b", "1")]), r#"params: the name "a=b" contains '='; remove it"#);
        assert_eq!(refusal(&[("a", "1"), ("a", "1")]), r#"params: "a" is there twice; remove one"#);
        let long = "é".repeat(8_001);
        assert_eq!(refusal(&[("a", &long)]), r#"params: "a" has 8001 characters; use at most 8000"#);
        assert!(params(&[("a", &long[2..])]).is_ok());
        assert_eq!(Params::parse_one("lr").unwrap_err().detail(), r#"params: must be NAME=VALUE, not "lr""#);
    }

    #[test]
    fn number_and_bytes_of_all_are_bounded() {
        let many = |count: usize| Params::new((0..count).map(|i| (i.to_string(), ParamValue::Bool(true))));
        assert!(many(1_000).is_ok());
        assert_eq!(many(1_001).unwrap_err().detail(), "params: at most 1000 of them are stored, not 1001");
        let text = || ParamValue::Text("x".repeat(8_000));
        let large = |from: usize| Params::new((from..from + 5).map(|i| (i.to_string(), text()))).unwrap();
        let error = large(0).with(&large(5)).unwrap_err();
        assert_eq!(error.detail(), "params: at most 65536 bytes of names and values are stored, not 80010");
    }
}
