//! The value of a field as it was sent, and the members of a JSON object.

use serde_json::value::RawValue;

use super::json::{lone_surrogate, reason};
use crate::error::{Error, Result};
use crate::quote::quote;

/// The most fields of a request. More are an attack or a mistake, and would take much memory and time.
pub const MAX_FIELDS: usize = 10_000;

/// The value of a field as sent.
#[derive(Debug, Clone)]
pub enum FieldValue {
    /// The text of a JSON value.
    Json(Box<RawValue>),
    /// The text of a form field or a query parameter.
    Text(String),
}

impl FieldValue {
    /// Returns whether the value is JSON `null`.
    #[must_use]
    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Json(raw) if raw.get() == "null")
    }
}

/// Returns the members of a JSON object.
pub(super) fn members(name: &str, raw: &RawValue) -> Result<Vec<(String, FieldValue)>> {
    let Members(members) = serde_json::from_str(raw.get()).map_err(|error| match kind(raw) {
        "an object" => Error::invalid(name, reason(raw.get().as_bytes(), &error)),
        other => Error::invalid(name, format_args!("must be an object, not {other}")),
    })?;
    Ok(members)
}

/// Returns the text of a string member.
pub(super) fn member_text(name: &str, key: &str, value: FieldValue) -> Result<String> {
    read_string(value).map_err(|why| Error::invalid(name, format_args!("{} {why}", quote(key))))
}

/// Returns the text of a string, or why the value is none.
pub(super) fn read_string(value: FieldValue) -> Result<String, String> {
    match value {
        FieldValue::Text(text) => Ok(text),
        FieldValue::Json(raw) => serde_json::from_str(raw.get()).map_err(|_| why_not_text("a string", &raw)),
    }
}

/// Names the kind of a JSON value.
pub(super) fn kind(raw: &RawValue) -> &'static str {
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
pub(super) fn not_text(name: &str, wanted: &str, raw: &RawValue) -> Error {
    Error::invalid(name, why_not_text(wanted, raw))
}

/// Returns why a value is not the `wanted` text.
pub(super) fn why_not_text(wanted: &str, raw: &RawValue) -> String {
    match lone_surrogate(raw.get().as_bytes()) {
        Some(escape) if raw.get().starts_with('"') => escape.to_string(),
        _ => format!("must be {wanted}, not {}", kind(raw)),
    }
}

/// The members of a JSON object in order, including repeated ones, with the text of each value.
pub(super) struct Members(pub(super) Vec<(String, FieldValue)>);

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
