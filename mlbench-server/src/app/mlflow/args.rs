//! The arguments of a call, from a JSON body or a query string.

use mlbench_core::quote::quote;
use mlbench_core::{Error, Result, RunId};
use serde_json::{Map, Value};

use super::names;

/// The arguments of a call.
///
/// Unknown ones are ignored, as MLflow does: clients of other versions send other ones.
#[derive(Debug, Clone, Copy)]
pub struct Args<'a>(&'a Map<String, Value>);

impl<'a> Args<'a> {
    /// Wraps the members of a JSON object. Numbers may be texts, as in a query string.
    #[must_use]
    pub const fn new(members: &'a Map<String, Value>) -> Self {
        Self(members)
    }

    /// Returns a text.
    ///
    /// # Errors
    /// [`InvalidField`](mlbench_core::ErrorCode::InvalidField) for another value.
    pub(super) fn text(self, name: &str) -> Result<Option<&'a str>> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong(name, "a text", other)),
        }
    }

    /// Returns a text that must be there.
    ///
    /// # Errors
    /// [`InvalidField`](mlbench_core::ErrorCode::InvalidField).
    pub(super) fn required(self, name: &str) -> Result<&'a str> {
        self.text(name)?.filter(|text| !text.is_empty()).ok_or_else(|| missing(name))
    }

    /// Returns the run that `run_id`, or `run_uuid` of older clients, names.
    ///
    /// # Errors
    /// [`InvalidField`](mlbench_core::ErrorCode::InvalidField) without one,
    /// [`NotFound`](mlbench_core::ErrorCode::NotFound) for one that no run can have.
    pub fn run_id(self) -> Result<RunId> {
        let given = |name| self.text(name).map(|text| text.filter(|text| !text.is_empty()));
        let id = given("run_id")?.or(given("run_uuid")?).ok_or_else(|| missing("run_id"))?;
        names::parse_run_id(id)
    }

    /// Returns a whole number.
    ///
    /// # Errors
    /// [`InvalidField`](mlbench_core::ErrorCode::InvalidField) for another value.
    pub(super) fn whole(self, name: &str) -> Result<Option<i64>> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let number = match value {
            Value::Null => return Ok(None),
            Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(whole)),
            Value::String(text) if text.is_empty() => return Ok(None),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        number.map(Some).ok_or_else(|| wrong(name, "a whole number", value))
    }

    /// Returns a whole number from `min` to `max`.
    ///
    /// # Errors
    /// [`InvalidField`](mlbench_core::ErrorCode::InvalidField) for another value.
    pub(super) fn count(self, name: &str, min: usize, max: usize) -> Result<Option<usize>> {
        let Some(number) = self.whole(name)? else { return Ok(None) };
        let count = usize::try_from(number).ok().filter(|count| (min..=max).contains(count));
        let refuse =
            || Error::invalid(name, format_args!("must be a whole number from {min} to {max}, not {number}"));
        count.map(Some).ok_or_else(refuse)
    }

    /// Returns a number, possibly `NaN` or infinite.
    ///
    /// # Errors
    /// [`InvalidField`](mlbench_core::ErrorCode::InvalidField) for another value, and without one.
    pub(super) fn number(self, name: &str) -> Result<f64> {
        let value = self.0.get(name).ok_or_else(|| missing(name))?;
        let number = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.ok_or_else(|| wrong(name, "a number", value))
    }

    /// Returns texts: an array, or one text.
    ///
    /// # Errors
    /// [`InvalidField`](mlbench_core::ErrorCode::InvalidField) for another value.
    pub(super) fn texts(self, name: &str) -> Result<Vec<&'a str>> {
        let text = |value: &'a Value| value.as_str().ok_or_else(|| wrong(name, "texts", value));
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(values)) => values.iter().map(text).collect(),
            Some(value) => text(value).map(|text| vec![text]),
        }
    }

    /// Returns an object.
    ///
    /// # Errors
    /// [`InvalidField`](mlbench_core::ErrorCode::InvalidField) for another value.
    pub(super) fn object(self, name: &str) -> Result<Option<Args<'a>>> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(members)) => Ok(Some(Self(members))),
            Some(other) => Err(wrong(name, "an object", other)),
        }
    }

    /// Returns the objects of an array.
    ///
    /// # Errors
    /// [`InvalidField`](mlbench_core::ErrorCode::InvalidField) for another value.
    pub(super) fn objects(self, name: &str) -> Result<Vec<Args<'a>>> {
        let object = |value: &'a Value| match value {
            Value::Object(members) => Ok(Self(members)),
            other => Err(wrong(name, "objects", other)),
        };
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(values)) => values.iter().map(object).collect(),
            Some(other) => Err(wrong(name, "an array of objects", other)),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "compared before")]
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}

fn missing(name: &str) -> Error {
    Error::invalid(name, "missing; send one")
}

fn wrong(name: &str, wanted: &str, value: &Value) -> Error {
    Error::invalid(name, format_args!("must be {wanted}, not {}", quote(&value.to_string())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_may_be_texts_and_other_values_are_named() {
        let value = json!({"step": "-2", "big": 3.0, "nan": "NaN", "no": [], "text": 1, "ids": "a", "many": ["a", "b"]});
        let args = Args::new(value.as_object().unwrap());
        assert_eq!((args.whole("step"), args.whole("big")), (Ok(Some(-2)), Ok(Some(3))));
        assert!(args.number("nan").unwrap().is_nan());
        assert_eq!(args.whole("none"), Ok(None));
        assert_eq!((args.texts("ids"), args.texts("many")), (Ok(vec!["a"]), Ok(vec!["a", "b"])));
        assert_eq!(args.number("no").unwrap_err().detail(), "no: must be a number, not \"[]\"");
        assert_eq!(args.text("text").unwrap_err().detail(), "text: must be a text, not \"1\"");
        assert_eq!(args.required("key").unwrap_err().detail(), "key: missing; send one");
        assert_eq!(args.run_id().unwrap_err().detail(), "run_id: missing; send one");
        let refusal = args.count("step", 1, 5).unwrap_err();
        assert_eq!(refusal.detail(), "step: must be a whole number from 1 to 5, not -2");
    }
}
