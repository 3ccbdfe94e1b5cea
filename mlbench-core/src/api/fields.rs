//! The fields of a request, in JSON, a form or a query string.
//!
//! All formats share one reader: JSON `false`, `False` in a form and `0` in a query string mean the same. A field that
//! remains after parsing is an error that suggests the nearest known name, so that no misspelt option is ignored.

use serde_json::value::RawValue;

use super::json::{lone_surrogate, not_json, quote_non_finite, reason, without_bom};
use super::nearest::nearest;
use crate::error::{Error, ErrorCode, Result};
use crate::number::whole;
use crate::quote::quote;

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

/// The most fields of a request. More are an attack or a mistake, and would take much memory and time.
pub const MAX_FIELDS: usize = 10_000;
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
        let body = without_bom(body);
        if body.trim_ascii().is_empty() {
            return Err(Error::new(ErrorCode::Malformed, "body: empty; send a JSON object"));
        }
        let read = |body: &[u8]| serde_json::from_slice(body).map(|Members(fields)| Self::new(fields));
        read(body).or_else(|error| {
            let second = quote_non_finite(body).and_then(|body| read(&body).ok());
            second.ok_or_else(|| not_json("body: not a JSON object", body, &error))
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
        taken.filter(|value| !is_null(value))
    }

    /// Takes a string.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidField`] for a JSON number, boolean, array or object.
    pub fn text(&mut self, name: &'static str) -> Result<Option<String>> {
        self.take(name).map(|value| string(name, value)).transpose()
    }

    /// Takes all values of a field that may be repeated, in request order.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidField`] if one is not a string.
    pub fn repeated(&mut self, name: &'static str) -> Result<Vec<String>> {
        self.known.push(name);
        let taken = self.fields.extract_if(.., |(key, _)| key == name);
        taken
            .map(|(_, value)| value)
            .filter(|value| !is_null(value))
            .map(|value| string(name, value))
            .collect()
    }

    /// Takes pairs of texts: a JSON object, or form fields that `parse` splits, in request order.
    ///
    /// Empty strings, which forms send, count as absent.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidField`] for other JSON values and for members that are not strings, and those of `parse`.
    pub fn pairs(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<(String, String)>,
    ) -> Result<Vec<(String, String)>> {
        self.known.push(name);
        let mut pairs = Vec::new();
        for (_, value) in self.fields.extract_if(.., |(key, _)| key == name) {
            match value {
                value if is_null(&value) => {}
                FieldValue::Text(text) if text.is_empty() => {}
                FieldValue::Text(text) => pairs.push(parse(&text)?),
                FieldValue::Json(raw) => pairs.extend(members(name, &raw)?),
            }
        }
        Ok(pairs)
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
            Some(FieldValue::Json(raw)) => serde_json::from_str(raw.get())
                .map(Some)
                .map_err(|_| not_text(name, "a string or a number", &raw)),
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
            Some(FieldValue::Json(raw)) => serde_json::from_str(raw.get())
                .map(Some)
                .map_err(|_| not_text(name, "a string, an object or an array", &raw)),
        }
    }

    /// Takes a boolean: `true`, `false`, `True`, `False`, `1` or `0`. An empty string counts as absent.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidField`] for anything else.
    pub fn boolean(&mut self, name: &'static str) -> Result<Option<bool>> {
        let Some(text) = self.scalar(name)? else { return Ok(None) };
        match text.as_str() {
            "true" | "True" | "1" => Ok(Some(true)),
            "false" | "False" | "0" => Ok(Some(false)),
            "" => Ok(None),
            _ => Err(Error::invalid(name, format_args!("must be true or false, not {}", quote(&text)))),
        }
    }

    /// Takes a whole number from `min` to `max`, also spelled `2.0`. An empty string counts as absent.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidField`] for anything else.
    pub fn integer(&mut self, name: &'static str, min: u32, max: u32) -> Result<Option<u32>> {
        let Some(text) = self.scalar(name)?.filter(|text| !text.is_empty()) else { return Ok(None) };
        let number = whole(&text).filter(|number| (min..=max).contains(number));
        number.map(Some).ok_or_else(|| {
            let is_above = whole::<i128>(&text).is_some_and(|number| number > i128::from(max));
            let rule = match max {
                u32::MAX if !is_above => format!("must be a whole number of at least {min}"),
                _ => format!("must be a whole number from {min} to {max}"),
            };
            Error::invalid(name, format_args!("{rule}, not {}", quote(&text)))
        })
    }

    /// Takes how many items at most, a whole number of at least `min`. An empty string counts as absent.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidField`] for anything else.
    pub fn count(&mut self, name: &'static str, min: u32) -> Result<Option<u32>> {
        let Some(text) = self.scalar(name)?.filter(|text| !text.is_empty()) else { return Ok(None) };
        // No list has more items than the largest number, so a larger one means the same.
        let number = whole::<i128>(&text).filter(|number| *number >= i128::from(min));
        number.map(|number| Some(u32::try_from(number).unwrap_or(u32::MAX))).ok_or_else(|| {
            let rule = format_args!("must be a whole number of at least {min}");
            Error::invalid(name, format_args!("{rule}, not {}", quote(&text)))
        })
    }

    /// Takes a whole number of any sign, also spelled `2.0`. An empty string counts as absent.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidField`] for anything else, and for numbers beyond 64 bits.
    pub fn signed_integer(&mut self, name: &'static str) -> Result<Option<i64>> {
        let Some(text) = self.scalar(name)?.filter(|text| !text.is_empty()) else { return Ok(None) };
        whole(&text).map(Some).ok_or_else(|| {
            let rule = match whole::<i128>(&text) {
                Some(_) => "must be a whole number of at most 64 bits",
                None => "must be a whole number",
            };
            Error::invalid(name, format_args!("{rule}, not {}", quote(&text)))
        })
    }

    /// Takes a sequence number of at least 0, also spelled `2.0`. An empty string counts as absent.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidField`] for anything else.
    pub fn sequence(&mut self, name: &'static str) -> Result<Option<i64>> {
        let Some(text) = self.scalar(name)?.filter(|text| !text.is_empty()) else { return Ok(None) };
        // A number beyond every sequence is as good as the largest one.
        let number = whole::<i128>(&text).filter(|number| *number >= 0);
        number.map(|number| Some(i64::try_from(number).unwrap_or(i64::MAX))).ok_or_else(|| {
            Error::invalid(name, format_args!("must be a whole number of at least 0, not {}", quote(&text)))
        })
    }

    /// Takes a finite number. An empty string counts as absent.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidField`] for anything else.
    pub fn finite(&mut self, name: &'static str) -> Result<Option<f64>> {
        let Some(text) = self.scalar(name)?.filter(|text| !text.is_empty()) else { return Ok(None) };
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        number
            .map(Some)
            .ok_or_else(|| Error::invalid(name, format_args!("must be a number, not {}", quote(&text))))
    }

    /// Takes a finite number above 0. An empty string counts as absent.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidField`] for anything else.
    pub fn positive(&mut self, name: &'static str) -> Result<Option<f64>> {
        let Some(text) = self.scalar(name)?.filter(|text| !text.is_empty()) else { return Ok(None) };
        let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0);
        number.map(Some).ok_or_else(|| {
            Error::invalid(name, format_args!("must be a number above 0, not {}", quote(&text)))
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
            Error::invalid(name, format_args!("must be {}, not {}", alternatives(&choices), quote(&text)))
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
            None if self.known.is_empty() => "; remove it, because this endpoint takes no fields".to_owned(),
            None => format!("; known fields: {}", self.known.join(", ")),
        };
        Err(Error::new(ErrorCode::UnknownField, format!("{}: unknown field{hint}", quote(unknown))))
    }

    /// Takes the text of a scalar.
    ///
    /// Includes objects and arrays, because every caller refuses them with their text.
    fn scalar(&mut self, name: &'static str) -> Result<Option<String>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        match &value {
            FieldValue::Json(raw) if !raw.get().starts_with('"') => Ok(Some(raw.get().to_owned())),
            _ => string(name, value).map(Some),
        }
    }
}

/// Returns the members of a JSON object of strings.
fn members(name: &str, raw: &RawValue) -> Result<Vec<(String, String)>> {
    let Members(members) = serde_json::from_str(raw.get()).map_err(|error| match kind(raw) {
        "an object" => Error::invalid(name, reason(raw.get().as_bytes(), &error)),
        other => Error::invalid(name, format_args!("must be an object, not {other}")),
    })?;
    let pair = |(key, value): (String, FieldValue)| match read_string(value) {
        Ok(text) => Ok((key, text)),
        Err(why) => Err(Error::invalid(name, format_args!("{} {why}", quote(&key)))),
    };
    members.into_iter().map(pair).collect()
}

fn is_null(value: &FieldValue) -> bool {
    matches!(value, FieldValue::Json(raw) if raw.get() == "null")
}

fn string(name: &str, value: FieldValue) -> Result<String> {
    read_string(value).map_err(|why| Error::invalid(name, why))
}

/// Returns the text of a string, or why the value is none.
fn read_string(value: FieldValue) -> Result<String, String> {
    match value {
        FieldValue::Text(text) => Ok(text),
        FieldValue::Json(raw) => serde_json::from_str(raw.get()).map_err(|_| why_not_text("a string", &raw)),
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
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// Creates the error for a value that is not the `wanted` text.
fn not_text(name: &str, wanted: &str, raw: &RawValue) -> Error {
    Error::invalid(name, why_not_text(wanted, raw))
}

fn why_not_text(wanted: &str, raw: &RawValue) -> String {
    match lone_surrogate(raw.get().as_bytes()) {
        Some(escape) if raw.get().starts_with('"') => escape.to_string(),
        _ => format!("must be {wanted}, not {}", kind(raw)),
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
                    if fields.len() == MAX_FIELDS {
                        let rule = format_args!("more than {MAX_FIELDS} members");
                        return Err(serde::de::Error::custom(rule));
                    }
                    fields.push((key, FieldValue::Json(raw)));
                }
                Ok(Members(fields))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

#[cfg(test)]
mod tests;
