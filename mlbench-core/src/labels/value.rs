use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Number;

/// The value of a parameter, on the wire a JSON boolean, number or string.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ParamValue {
    /// A boolean.
    Bool(bool),
    /// A finite number. Whole numbers have no fraction, so that `1` and `1.0` are the same.
    #[serde(deserialize_with = "read_number")]
    Number(Number),
    /// A text.
    Text(String),
}

/// Whole numbers up to this one have an exact double.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

impl ParamValue {
    /// Creates the value that people write as this text.
    ///
    /// That is the number or the boolean of a JSON number, `true` or `false`, the text within a JSON string, and the
    /// text itself of everything else.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let scalar = text.starts_with(|c: char| matches!(c, '-' | '"' | 't' | 'f') || c.is_ascii_digit());
        let read = if scalar { serde_json::from_str(text).ok() } else { None };
        read.unwrap_or_else(|| Self::Text(text.to_owned()))
    }

    /// Returns the JSON of the value, which is the same for equal values.
    #[must_use]
    pub fn to_json(&self) -> String {
        match self {
            Self::Bool(value) => value.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => serde_json::Value::from(text.as_str()).to_string(),
        }
    }

    /// Returns how many bytes the value counts towards the limit.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Bool(_) => 1,
            Self::Number(_) => 8,
            Self::Text(text) => text.len(),
        }
    }
}

impl From<bool> for ParamValue {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for ParamValue {
    fn from(value: i64) -> Self {
        Self::Number(value.into())
    }
}

impl From<f64> for ParamValue {
    /// Creates a number, or a text such as `NaN` of a value that is none.
    fn from(value: f64) -> Self {
        Number::from_f64(value)
            .map_or_else(|| Self::Text(value.to_string()), |number| Self::Number(normal(number)))
    }
}

impl From<&str> for ParamValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for ParamValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl fmt::Display for ParamValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => f.pad(if *value { "true" } else { "false" }),
            Self::Number(number) => f.pad(&number.to_string()),
            Self::Text(text) => f.pad(text),
        }
    }
}

fn read_number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Number, D::Error> {
    Number::deserialize(deserializer).map(normal)
}

/// Writes a whole number without a fraction.
fn normal(number: Number) -> Number {
    match number.as_f64() {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole, and small enough")]
        Some(value) if number.is_f64() && value.fract() == 0.0 && value.abs() <= MAX_EXACT => {
            Number::from(value as i64)
        }
        _ => number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_write_numbers_booleans_and_texts() {
        for (text, json) in [
            ("0.1", "0.1"),
            ("1e-5", "0.00001"),
            ("1.0", "1"),
            ("-3", "-3"),
            ("-0.0", "0"),
            ("18446744073709551615", "18446744073709551615"),
            ("true", "true"),
            ("false", "false"),
            ("adam", "\"adam\""),
            ("", "\"\""),
            ("007", "\"007\""),
            ("\"0.1\"", "\"0.1\""),
            ("NaN", "\"NaN\""),
            ("null", "\"null\""),
            ("[1]", "\"[1]\""),
            ("1e999", "\"1e999\""),
            ("\"", "\"\\\"\""),
            ("True", "\"True\""),
        ] {
            let value = ParamValue::parse(text);
            assert_eq!(value.to_json(), json, "{text}");
            assert_eq!(serde_json::to_string(&value).unwrap(), json, "{text}");
            assert_eq!(serde_json::from_str::<ParamValue>(json).unwrap(), value, "{text}");
        }
    }

    #[test]
    fn equal_numbers_are_equal_values() {
        for same in ["100", "100.0", "1e2", "1E+2"] {
            assert_eq!(ParamValue::parse(same), ParamValue::parse("100"), "{same}");
        }
        assert_eq!(ParamValue::from(0.5), ParamValue::parse("0.5"));
        assert_eq!(ParamValue::from(2.0), ParamValue::from(2_i64));
        assert_ne!(ParamValue::parse("1"), ParamValue::parse("\"1\""));
        assert_eq!(ParamValue::from(f64::NAN), ParamValue::from("NaN"));
    }
}
