//! The fields of a request, in JSON, a form or a query string.
//!
//! All formats share one reader: JSON `false`, `False` in a form and `0` in a query string mean the same. A field that
//! remains after parsing is an error that suggests the nearest known name, so that no misspelt option is ignored.

use serde_json::value::RawValue;

use super::field_value::{FieldValue, Members, member_text, members, not_text, read_string};
use super::json::{not_json, quote_non_finite, without_bom};
use super::nearest::nearest;
use crate::error::{Error, ErrorCode, Result};
use crate::number::whole;
use crate::quote::quote;

/// The fields of a request that have not been taken yet.
#[derive(Debug, Default)]
pub struct Fields {
    fields: Vec<(String, FieldValue)>,
    known: Vec<&'static str>,
}

/// A member of a field with an object.
#[derive(Debug)]
pub enum Member {
    /// A member of a JSON object.
    Named(String, FieldValue),
    /// The text of a form field or a query parameter, which its reader splits.
    Text(String),
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

    /// Sets a field to a text, in place of its value.
    #[must_use]
    pub fn with_text(mut self, name: &str, text: &str) -> Self {
        self.fields.retain(|(key, _)| key != name);
        self.fields.push((name.to_owned(), FieldValue::Text(text.to_owned())));
        self
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
        taken.filter(|value| !value.is_null())
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
            .filter(|value| !value.is_null())
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
        let mut pairs = Vec::new();
        for member in self.members(name)? {
            pairs.push(match member {
                Member::Named(key, value) => {
                    let text = member_text(name, &key, value)?;
                    (key, text)
                }
                Member::Text(text) => parse(&text)?,
            });
        }
        Ok(pairs)
    }

    /// Takes the members of a JSON object, or form fields, in request order.
    ///
    /// Empty strings, which forms send, count as absent.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidField`] for other JSON values.
    pub fn members(&mut self, name: &'static str) -> Result<Vec<Member>> {
        self.known.push(name);
        let mut all = Vec::new();
        for value in self.given(name) {
            match value {
                FieldValue::Text(text) => all.push(Member::Text(text)),
                FieldValue::Json(raw) => {
                    all.extend(
                        members(name, &raw)?.into_iter().map(|(key, value)| Member::Named(key, value)),
                    );
                }
            }
        }
        Ok(all)
    }

    /// Takes all values of a field but null and empty strings.
    fn given(&mut self, name: &'static str) -> impl Iterator<Item = FieldValue> {
        let values = self.fields.extract_if(.., move |(key, _)| key == name).map(|(_, value)| value);
        let is_empty = |value: &FieldValue| matches!(value, FieldValue::Text(text) if text.is_empty());
        values.filter(move |value| !value.is_null() && !is_empty(value))
    }

    /// Takes the elements of a JSON array, or form fields, in request order.
    ///
    /// Empty strings, which forms send, count as absent.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidField`] for other JSON values, and for more than `max` elements.
    pub fn items(&mut self, name: &'static str, max: usize) -> Result<Vec<FieldValue>> {
        self.known.push(name);
        let mut all = Vec::new();
        for value in self.given(name) {
            match value {
                FieldValue::Text(text) => all.push(FieldValue::Text(text)),
                FieldValue::Json(raw) => {
                    let items: Vec<Box<RawValue>> =
                        serde_json::from_str(raw.get()).map_err(|_| not_text(name, "an array", &raw))?;
                    all.extend(items.into_iter().map(FieldValue::Json));
                }
            }
        }
        match all.len() {
            many if many > max => {
                Err(Error::invalid(name, format_args!("must be at most {max}, not {many}")))
            }
            _ => Ok(all),
        }
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
            // JSON has one number for 1 and 1.0.
            _ => match whole(&text) {
                Some(0_u8) => Ok(Some(false)),
                Some(1) => Ok(Some(true)),
                _ => Err(Error::invalid(name, format_args!("must be true or false, not {}", quote(&text)))),
            },
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

fn string(name: &str, value: FieldValue) -> Result<String> {
    read_string(value).map_err(|why| Error::invalid(name, why))
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

#[cfg(test)]
mod tests;
