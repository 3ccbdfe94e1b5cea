//! The fields of a request, in JSON, a form or a query string.
//!
//! All formats share one reader: JSON `false`, `False` in a form and `0` in a query string mean the same. A field that
//! remains after parsing is an error that suggests the nearest known name, so that no misspelt option is ignored.

use serde_json::value::RawValue;

use super::json::{not_json, quote_non_finite};
use super::nearest::nearest;
use crate::error::{Error, ErrorCode, Result};

/// The value of a field as sent.
#[derive(Debug, Clone)]
pub enum FieldValue {
    /// The text of a JSON value.
    Json(Box<RawValue>),
    /// The text of a form field or a query parameter.
    Text(String),
}

/// The fields of a request that have not been taken yet.
#[derive(Debug, Default)]
pub struct Fields {
    fields: Vec<(String, FieldValue)>,
    known: Vec<&'static str>,
}

/// Fields to ignore, because browser libraries add them.
const IGNORED: [&str; 2] = ["_", "csrfmiddlewaretoken"];

impl Fields {
    /// Creates fields from pairs in request order. The last of a repeated field counts, as in Django.
    #[must_use]
    pub fn new(fields: Vec<(String, FieldValue)>) -> Self {
        Self { fields, known: Vec::new() }
    }

    /// Parses a JSON object. Accepts `NaN`, `Infinity` and `-Infinity` without quotes.
    ///
    /// # Errors
    /// [`ErrorCode::Malformed`] with line and column if the body is not a JSON object.
    pub fn from_json(body: &[u8]) -> Result<Self> {
        if body.trim_ascii().is_empty() {
            return Err(Error::new(ErrorCode::Malformed, "body: empty; send a JSON object"));
        }
        let read = |body: &[u8]| serde_json::from_slice(body).map(|Members(fields)| Self::new(fields));
        read(body).or_else(|error| {
            let second = quote_non_finite(body).and_then(|body| read(&body).ok());
            second.ok_or_else(|| not_json("body: not a JSON object", &error))
        })
    }

    /// Creates fields from the pairs of a query string or a form.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self::new(pairs.into_iter().map(|(key, text)| (key, FieldValue::Text(text))).collect())
    }

    /// Takes a field. JSON `null` counts as absent.
    pub fn take(&mut self, name: &'static str) -> Option<FieldValue> {
        self.known.push(name);
        let mut taken = None;
        self.fields.retain_mut(|(key, value)| {
            let ours = key == name;
            if ours {
                taken = Some(std::mem::replace(value, FieldValue::Text(String::new())));
            }
            !ours
        });
        taken.filter(|value| !matches!(value, FieldValue::Json(raw) if raw.get() == "null"))
    }

    /// Takes a string.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidField`] for a JSON number, boolean, array or object.
    pub fn text(&mut self, name: &'static str) -> Result<Option<String>> {
        match self.take(name) {
            None => Ok(None),
            Some(FieldValue::Text(text)) => Ok(Some(text)),
            Some(FieldValue::Json(raw)) => serde_json::from_str(raw.get())
                .map(Some)
                .map_err(|_| Error::invalid(name, format_args!("must be a string, not {}", kind(&raw)))),
        }
    }

    /// Takes all values of a field that may be repeated, in request order.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidField`] if one is not a string.
    pub fn repeated(&mut self, name: &'static str) -> Result<Vec<String>> {
        let mut texts = Vec::new();
        while let Some(at) = self.fields.iter().position(|(key, _)| key == name) {
            let mut one = Self::new(vec![self.fields.remove(at)]);
            texts.extend(one.text(name)?);
        }
        self.known.push(name);
        Ok(texts)
    }

    /// Takes a string or a number as its text, so that `1.50` stays `1.50`.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidField`] for a JSON boolean, array or object.
    pub fn text_or_number(&mut self, name: &'static str) -> Result<Option<String>> {
        match self.take(name) {
            None => Ok(None),
            Some(FieldValue::Text(text)) => Ok(Some(text)),
            Some(FieldValue::Json(raw)) if is_number(raw.get()) => Ok(Some(raw.get().to_owned())),
            Some(FieldValue::Json(raw)) => serde_json::from_str(raw.get()).map(Some).map_err(|_| {
                Error::invalid(name, format_args!("must be a string or a number, not {}", kind(&raw)))
            }),
        }
    }

    /// Takes a string, or a JSON object or array as its text.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidField`] for a JSON number or boolean.
    pub fn text_or_structure(&mut self, name: &'static str) -> Result<Option<String>> {
        match self.take(name) {
            None => Ok(None),
            Some(FieldValue::Text(text)) => Ok(Some(text)),
            Some(FieldValue::Json(raw)) if raw.get().starts_with(['{', '[']) => {
                Ok(Some(raw.get().to_owned()))
            }
            Some(FieldValue::Json(raw)) => serde_json::from_str(raw.get()).map(Some).map_err(|_| {
                Error::invalid(
                    name,
                    format_args!("must be a string, an object or an array, not {}", kind(&raw)),
                )
            }),
        }
    }

    /// Takes a boolean: `true`, `false`, `True`, `False`, `1` or `0`. An empty string counts as absent.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidField`] for anything else.
    pub fn boolean(&mut self, name: &'static str) -> Result<Option<bool>> {
        let Some(text) = self.scalar(name) else { return Ok(None) };
        match text.as_str() {
            "true" | "True" | "1" => Ok(Some(true)),
            "false" | "False" | "0" => Ok(Some(false)),
            "" => Ok(None),
            _ => Err(Error::invalid(name, format_args!("must be true or false, not {}", shorten(&text)))),
        }
    }

    /// Takes a whole number from `min` to `max`. An empty string counts as absent.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidField`] for anything else.
    pub fn integer(&mut self, name: &'static str, min: u32, max: u32) -> Result<Option<u32>> {
        let Some(text) = self.scalar(name).filter(|text| !text.is_empty()) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| (min..=max).contains(number));
        number.map(Some).ok_or_else(|| {
            let rule = match max {
                u32::MAX => format!("must be a whole number of at least {min}"),
                _ => format!("must be a whole number from {min} to {max}"),
            };
            Error::invalid(name, format_args!("{rule}, not {}", shorten(&text)))
        })
    }

    /// Takes a whole number of any sign. An empty string counts as absent.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidField`] for anything else, and for numbers beyond 64 bits.
    pub fn signed_integer(&mut self, name: &'static str) -> Result<Option<i64>> {
        let Some(text) = self.scalar(name).filter(|text| !text.is_empty()) else { return Ok(None) };
        text.parse()
            .map(Some)
            .map_err(|_| Error::invalid(name, format_args!("must be a whole number, not {}", shorten(&text))))
    }

    /// Takes a finite number. An empty string counts as absent.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidField`] for anything else.
    pub fn finite(&mut self, name: &'static str) -> Result<Option<f64>> {
        let Some(text) = self.scalar(name).filter(|text| !text.is_empty()) else { return Ok(None) };
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        number
            .map(Some)
            .ok_or_else(|| Error::invalid(name, format_args!("must be a number, not {}", shorten(&text))))
    }

    /// Takes a finite number above 0. An empty string counts as absent.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidField`] for anything else.
    pub fn positive(&mut self, name: &'static str) -> Result<Option<f64>> {
        let Some(text) = self.scalar(name).filter(|text| !text.is_empty()) else { return Ok(None) };
        let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0);
        number.map(Some).ok_or_else(|| {
            Error::invalid(name, format_args!("must be a number above 0, not {}", shorten(&text)))
        })
    }

    /// Takes a value with a syntax of its own (a date, a name).
    ///
    /// # Errors
    /// [`ErrorCode::InvalidField`] with the reason of the parser.
    pub fn parsed<T>(&mut self, name: &'static str) -> Result<Option<T>>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        let Some(text) = self.text_or_number(name)? else { return Ok(None) };
        text.parse().map(Some).map_err(|error| Error::invalid(name, error))
    }

    /// Takes one of a few words.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidField`] with the valid words.
    pub fn one_of<T: Copy>(&mut self, name: &'static str, words: &[(&str, T)]) -> Result<Option<T>> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let found = words.iter().find(|(word, _)| *word == text);
        found.map(|&(_, value)| Some(value)).ok_or_else(|| {
            let choices: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            Error::invalid(name, format_args!("must be {}, not {}", alternatives(&choices), shorten(&text)))
        })
    }

    /// Checks that no field remains.
    ///
    /// # Errors
    /// [`ErrorCode::UnknownField`] with the nearest known field.
    pub fn finish(self) -> Result<()> {
        let Some((unknown, _)) = self.fields.iter().find(|(key, _)| !IGNORED.contains(&key.as_str())) else {
            return Ok(());
        };
        let hint = match nearest(unknown, self.known.iter().copied()) {
            Some(known) => format!("; did you mean {known}?"),
            None if self.known.is_empty() => "; this endpoint takes none".to_owned(),
            None => format!("; known fields: {}", self.known.join(", ")),
        };
        Err(Error::new(ErrorCode::UnknownField, format!("{}: unknown field{hint}", shorten(unknown))))
    }

    /// Takes the text of a scalar.
    ///
    /// Includes objects and arrays, because every caller refuses them with their text.
    fn scalar(&mut self, name: &'static str) -> Option<String> {
        self.take(name).map(|value| match value {
            FieldValue::Text(text) => text,
            FieldValue::Json(raw) => serde_json::from_str(raw.get()).unwrap_or_else(|_| raw.get().to_owned()),
        })
    }
}

/// Joins words as `a, b or c`.
fn alternatives(words: &[&str]) -> String {
    match words {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        words => words.concat(),
    }
}

fn is_number(json: &str) -> bool {
    json.starts_with(|c: char| c == '-' || c.is_ascii_digit())
}

fn kind(raw: &RawValue) -> &'static str {
    match raw.get().as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b't' | b'f') => "a boolean",
        Some(b'"') => "a string",
        _ => "a number",
    }
}

/// Quotes a text for a message, cut after 60 characters.
fn shorten(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// The members of a JSON object in order, including repeated ones, with the text of each value.
struct Members(Vec<(String, FieldValue)>);

impl<'de> serde::Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut fields = Vec::with_capacity(8);
                while let Some((key, raw)) = map.next_entry::<String, Box<RawValue>>()? {
                    fields.push((key, FieldValue::Json(raw)));
                }
                Ok(Members(fields))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(body: &str) -> Fields {
        Fields::from_json(body.as_bytes()).unwrap()
    }

    #[test]
    fn broken_json_is_refused_with_line_and_column() {
        let error = Fields::from_json(b"{\n  \"name\": oops}").unwrap_err();
        assert_eq!(error.code(), ErrorCode::Malformed);
        assert_eq!(error.detail(), "body: not a JSON object (line 2, column 11): expected value");
        assert!(Fields::from_json(b"[1]").unwrap_err().detail().contains("expected an object"));
        assert!(Fields::from_json(b"  ").unwrap_err().detail().contains("empty"));
        assert!(Fields::from_json(b"{} x").is_err());
    }

    #[test]
    fn numbers_keep_their_text() {
        assert_eq!(json(r#"{"value": 1.50}"#).text_or_number("value").unwrap().unwrap(), "1.50");
        assert_eq!(json(r#"{"value": "NaN"}"#).text_or_number("value").unwrap().unwrap(), "NaN");
        let refused = json(r#"{"value": {"a": 1}}"#).text_or_number("value").unwrap_err();
        assert_eq!(refused.detail(), "value: must be a string or a number, not an object");
    }

    #[test]
    fn booleans_are_accepted_in_every_format() {
        for (body, expected) in [(r#"{"b":true}"#, true), (r#"{"b":"False"}"#, false), (r#"{"b":1}"#, true)] {
            assert_eq!(json(body).boolean("b").unwrap(), Some(expected), "{body}");
        }
        assert_eq!(
            json(r#"{"b":"yes"}"#).boolean("b").unwrap_err().detail(),
            "b: must be true or false, not \"yes\""
        );
    }

    #[test]
    fn numbers_out_of_range_are_refused_with_the_range() {
        let refusal = |body: &str| json(body).integer("last_n", 1, u32::MAX).unwrap_err().detail().to_owned();
        assert_eq!(refusal(r#"{"last_n":-3}"#), "last_n: must be a whole number of at least 1, not \"-3\"");
        assert!(refusal(r#"{"last_n":1e3}"#).contains("whole number"));
        assert!(json(r#"{"num_cpus":0}"#).positive("num_cpus").is_err());
        assert!(json(r#"{"num_cpus":"nan"}"#).positive("num_cpus").is_err());
    }

    #[test]
    fn unknown_fields_are_refused_with_a_suggestion() {
        let mut fields = json(r#"{"nmae": "x", "_": 1, "csrfmiddlewaretoken": "y"}"#);
        assert!(fields.text("name").unwrap().is_none() && fields.text("backend").unwrap().is_none());
        let error = fields.finish().unwrap_err();
        assert_eq!(error.code(), ErrorCode::UnknownField);
        assert_eq!(error.detail(), "\"nmae\": unknown field; did you mean name?");
    }

    #[test]
    fn repeated_fields_are_taken_in_order() {
        let pairs = [("a", "1"), ("b", "2"), ("a", "3")].map(|(key, text)| (key.to_owned(), text.to_owned()));
        let mut fields = Fields::from_pairs(pairs);
        assert_eq!(fields.repeated("a").unwrap(), ["1", "3"]);
        assert_eq!(fields.repeated("a").unwrap(), [""; 0]);
        assert_eq!(fields.finish().unwrap_err().code(), ErrorCode::UnknownField);
        assert!(json(r#"{"a":1}"#).repeated("a").is_err());
    }

    #[test]
    fn the_last_of_a_repeated_field_counts_and_null_is_absent() {
        assert_eq!(json(r#"{"a":"1","a":"2"}"#).text("a").unwrap().unwrap(), "2");
        assert_eq!(json(r#"{"a":null}"#).text("a").unwrap(), None);
    }
}
