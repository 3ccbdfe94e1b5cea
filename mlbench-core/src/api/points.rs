//! Reads the points of a batch: the fields of [`NewMetric`], many times over.
//!
//! [`Fields`] would make a map of allocated texts of every point. Here a point is a few slices of the body
//! ([`RawPoint`]); what the usual spellings say is taken from them directly, and everything else, the bad points among
//! them, goes the way of a single post, so that it is understood or refused in the same words.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::value::RawValue;

use super::batch::MAX_ARRAY_POINTS;
use super::fields::not_json;
use crate::api::{FieldValue, Fields, NewMetric};
use crate::error::{Error, ErrorCode, Result};
use crate::metric::{MetricName, MetricValue, Owner};
use crate::name::PodName;

/// Reads a JSON array of points. `make` gets each with its index, or why it is none.
///
/// `NaN`, `Infinity` and `-Infinity` may stand there bare, as some languages' JSON libraries write them.
///
/// # Errors
/// [`ErrorCode::Malformed`] with line and column when it is no JSON or no array; [`ErrorCode::PayloadTooLarge`] for
/// more than [`MAX_ARRAY_POINTS`].
pub fn read_points<T>(body: &[u8], make: impl Fn(u64, Result<NewMetric>) -> T) -> Result<Vec<T>> {
    let make: &dyn Fn(u64, Result<NewMetric>) -> T = &make;
    let read = |body: &[u8]| {
        let mut too_many = false;
        let mut json = serde_json::Deserializer::from_slice(body);
        let array = Array { make, too_many: &mut too_many };
        let points = array.deserialize(&mut json).and_then(|points| json.end().map(|()| points));
        if too_many { Err(Refused::TooMany) } else { points.map_err(Refused::Syntax) }
    };
    let syntax = match read(body) {
        Err(Refused::Syntax(error)) => error,
        Err(Refused::TooMany) => return Err(too_many_points()),
        Ok(points) => return Ok(points),
    };
    match quoted(body).map(|body| read(&body)) {
        Some(Ok(points)) => Ok(points),
        Some(Err(Refused::TooMany)) => Err(too_many_points()),
        Some(Err(Refused::Syntax(_))) | None => Err(not_json("the body is not a JSON array", &syntax)),
    }
}

/// Reads one point.
///
/// # Errors
/// What a single post of it would be refused with.
pub fn read_point(text: &[u8]) -> Result<NewMetric> {
    let read = |text: &[u8]| serde_json::from_slice(text).map(Element::read);
    read(text).unwrap_or_else(|error| {
        let second = quoted(text).and_then(|text| read(&text).ok());
        second.unwrap_or_else(|| Err(not_json("the line is not a JSON object", &error)))
    })
}

enum Refused {
    TooMany,
    Syntax(serde_json::Error),
}

fn too_many_points() -> Error {
    let detail = format!(
        "an array may have {MAX_ARRAY_POINTS} points; send more of them as lines (Content-Type: application/x-ndjson)"
    );
    Error::new(ErrorCode::PayloadTooLarge, detail)
}

/// The body with quotes around every bare `NaN`, `Infinity` and `-Infinity`; `None` when there is none.
fn quoted(body: &[u8]) -> Option<Vec<u8>> {
    const WORDS: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];
    let mut out = Vec::new();
    let (mut copied, mut at, mut in_text) = (0, 0, false);
    while let Some(&byte) = body.get(at) {
        match byte {
            b'\\' if in_text => at += 1,
            b'"' => in_text = !in_text,
            b'N' | b'I' | b'-' if !in_text => {
                if let Some(word) = WORDS.iter().find(|word| body[at..].starts_with(word)) {
                    out.extend_from_slice(&body[copied..at]);
                    out.push(b'"');
                    out.extend_from_slice(word);
                    out.push(b'"');
                    at += word.len() - 1;
                    copied = at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    out.extend_from_slice(&body[copied..]);
    (copied > 0).then_some(out)
}

/// The array, point by point.
struct Array<'m, T> {
    make: &'m dyn Fn(u64, Result<NewMetric>) -> T,
    too_many: &'m mut bool,
}

impl<'de, T> DeserializeSeed<'de> for Array<'_, T> {
    type Value = Vec<T>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<T>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T> Visitor<'de> for Array<'_, T> {
    type Value = Vec<T>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of points")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Vec<T>, A::Error> {
        let mut points = Vec::new();
        while let Some(element) = array.next_element::<Element<'de>>()? {
            if points.len() == MAX_ARRAY_POINTS {
                *self.too_many = true;
                return Err(de::Error::custom("too many"));
            }
            points.push((self.make)(points.len() as u64, element.read()));
        }
        Ok(points)
    }
}

/// What should be a point.
enum Element<'a> {
    Point(RawPoint<'a>),
    Other,
}

impl Element<'_> {
    fn read(self) -> Result<NewMetric> {
        match self {
            Element::Point(point) => match point.quick() {
                Some(metric) => Ok(metric),
                None => NewMetric::from_fields(point.into_fields()),
            },
            Element::Other => Err(Error::new(ErrorCode::Malformed, "a point is a JSON object")),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Element<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Element<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut point = RawPoint::default();
                while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
                    let value = map.next_value::<&'de RawValue>()?;
                    match FIELDS.iter().position(|field| *field == key) {
                        Some(at) => point.fields[at] = Some(value),
                        None => point.unknown.push((key.into_owned(), value)),
                    }
                }
                Ok(Element::Point(point))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
                while array.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Element::Other)
            }
            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Element::Other)
            }
            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Element::Other)
            }
            fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Element::Other)
            }
            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Element::Other)
            }
            fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
                Ok(Element::Other)
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Element::Other)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// The name of a field, borrowed where it has no escape.
struct Key<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl<'de> Visitor<'de> for Name {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a field")
            }
            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(name)))
            }
            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(Name)
    }
}

const FIELDS: [&str; 9] =
    ["run_id", "pod_name", "name", "date", "value", "cumulative", "metadata", "step", "epoch"];

/// The fields of a point as they stand in the body; of a repeated one the last.
#[derive(Default)]
struct RawPoint<'a> {
    fields: [Option<&'a RawValue>; FIELDS.len()],
    unknown: Vec<(String, &'a RawValue)>,
}

impl<'a> RawPoint<'a> {
    /// The metric, when every field is in its usual spelling. `None` says nothing about whether it is a good one.
    fn quick(&self) -> Option<NewMetric> {
        if !self.unknown.is_empty() {
            return None;
        }
        let [run, pod, name, date, value, cumulative, metadata, step, epoch] = self.fields.map(present);
        let owner = match (run, pod) {
            (Some(run), None) => Owner::Run(run.parse().ok()?),
            (None, Some(pod)) => Owner::Pod(PodName::new(plain_text(pod)?).ok()?),
            _ => return None,
        };
        let value = value?;
        Some(NewMetric {
            owner,
            name: MetricName::new(plain_text(name?)?).ok()?,
            date: usual(date, |date| plain_text(date)?.parse().ok())?,
            value: MetricValue::from(plain_number(value).or_else(|| plain_text(value))?),
            cumulative: usual(cumulative, |text| text.parse().ok())?.unwrap_or(false),
            metadata: usual(metadata, plain_text)?.unwrap_or_default().to_owned(),
            step: usual(step, |step| step.parse().ok())?,
            epoch: usual(epoch, |epoch| plain_number(epoch)?.parse().ok().filter(|n: &f64| n.is_finite()))?,
        })
    }

    fn into_fields(self) -> Fields {
        let known =
            FIELDS.into_iter().zip(self.fields).filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let all = known.chain(self.unknown).map(|(name, raw)| (name, FieldValue::Json(raw.to_owned())));
        Fields::new(all.collect())
    }
}

/// The text of a value, unless it is `null`.
fn present(raw: Option<&RawValue>) -> Option<&str> {
    raw.map(RawValue::get).filter(|text| *text != "null")
}

/// What a field that may be absent says; the outer `None` when that is not one of the usual spellings.
fn usual<'a, T>(text: Option<&'a str>, read: impl FnOnce(&'a str) -> Option<T>) -> Option<Option<T>> {
    match text {
        None => Some(None),
        Some(text) => read(text).map(Some),
    }
}

/// The inside of a JSON string that has no escape.
fn plain_text(raw: &str) -> Option<&str> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.as_bytes().contains(&b'\\')).then_some(inner)
}

fn plain_number(raw: &str) -> Option<&str> {
    raw.starts_with(|c: char| c == '-' || c.is_ascii_digit()).then_some(raw)
}
