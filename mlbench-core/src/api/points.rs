//! Reads the points of a batch: the fields of [`NewMetric`], many times over.
//!
//! [`Fields`] would make a map of allocated texts of every point. So points in the usual spelling are read in one pass
//! over the body ([`scan`]), and everything else, the bad points among it, goes the way of a single post at its length,
//! so that it is understood or refused in the same words.

mod scan;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::value::RawValue;

use super::batch::MAX_ARRAY_POINTS;
use super::json::{not_json, quoted};
use crate::api::{FieldValue, Fields, NewMetric};
use crate::error::{Error, ErrorCode, Result};
use crate::metric::{MetricName, MetricValue, Owner};
use crate::name::PodName;
use scan::{Plain, PlainPoint, Scanner};

/// Reads a JSON array of points. `make` gets each with its index, or why it is none.
///
/// `NaN`, `Infinity` and `-Infinity` may stand there bare, as some languages' JSON libraries write them.
///
/// # Errors
/// [`ErrorCode::Malformed`] with line and column when it is no JSON or no array; [`ErrorCode::PayloadTooLarge`] for
/// more than [`MAX_ARRAY_POINTS`].
pub fn parse_points<T>(body: &[u8], make: impl Fn(u64, Result<NewMetric>) -> T) -> Result<Vec<T>> {
    let make: &dyn Fn(u64, Result<NewMetric>) -> T = &make;
    let syntax = match quickly(body, make).map_or_else(|| at_length(body, make), Ok) {
        Err(Refused::Syntax(error)) => error,
        Err(Refused::TooMany) => return Err(too_many_points()),
        Ok(points) => return Ok(points),
    };
    match quoted(body).map(|body| at_length(&body, make)) {
        Some(Ok(points)) => Ok(points),
        Some(Err(Refused::TooMany)) => Err(too_many_points()),
        Some(Err(Refused::Syntax(_))) | None => Err(not_json("the body is not a JSON array", &syntax)),
    }
}

/// Reads one point.
///
/// # Errors
/// What a single post of it would be refused with.
pub fn parse_point(text: &[u8]) -> Result<NewMetric> {
    if let Some(metric) = parse_point_fast(text) {
        return Ok(metric);
    }
    let read = |text: &[u8]| serde_json::from_slice(text).map(Element::read);
    read(text).unwrap_or_else(|error| {
        let second = quoted(text).and_then(|text| read(&text).ok());
        second.unwrap_or_else(|| Err(not_json("the line is not a JSON object", &error)))
    })
}

/// Reads one point in the usual spelling. `None` says nothing about whether it is a good one.
#[must_use]
pub fn parse_point_fast(text: &[u8]) -> Option<NewMetric> {
    let mut scanner = Scanner::new(std::str::from_utf8(text).ok()?);
    let point = scanner.point()?;
    if scanner.is_at_end() { usual(point) } else { None }
}

/// Reads the array point by point in the usual spelling, and single points at length that are not in it. `None` when
/// something else than a point is unusual; what it is, reading at length finds out.
fn quickly<T>(body: &[u8], make: &dyn Fn(u64, Result<NewMetric>) -> T) -> Option<Vec<T>> {
    let text = std::str::from_utf8(body).ok()?;
    let mut scanner = Scanner::new(text);
    let mut points = Vec::new();
    let mut more = scanner.take(b'[') && !scanner.take(b']');
    if !more && !text.trim_ascii_start().starts_with('[') {
        return None;
    }
    while more {
        if points.len() == MAX_ARRAY_POINTS {
            return None;
        }
        let begin = scanner.position();
        let point = match scanner.point().and_then(usual) {
            Some(metric) => Ok(metric),
            None => {
                let mut one =
                    serde_json::Deserializer::from_str(text.get(begin..)?).into_iter::<Element<'_>>();
                let element = one.next()?.ok()?;
                scanner.go_to(begin + one.byte_offset());
                element.read()
            }
        };
        points.push(make(points.len() as u64, point));
        more = scanner.take(b',');
        if !more && !scanner.take(b']') {
            return None;
        }
    }
    scanner.is_at_end().then_some(points)
}

/// Reads the array in any spelling.
fn at_length<T>(body: &[u8], make: &dyn Fn(u64, Result<NewMetric>) -> T) -> Result<Vec<T>, Refused> {
    let mut too_many = false;
    let mut json = serde_json::Deserializer::from_slice(body);
    let array = Array { make, too_many: &mut too_many };
    let points = array.deserialize(&mut json).and_then(|points| json.end().map(|()| points));
    if too_many { Err(Refused::TooMany) } else { points.map_err(Refused::Syntax) }
}

/// The metric that a point is, when nothing is wrong with it and every field has the type it mostly has. `None` says
/// nothing about whether it is a good one.
fn usual(point: PlainPoint<'_>) -> Option<NewMetric> {
    let [run, pod, name, date, value, cumulative, metadata, step, epoch] = point;
    let owner = match (run, pod) {
        (Some(run), None) => Owner::Run(run.as_str().parse().ok()?),
        (None, Some(Plain::Text(pod))) => Owner::Pod(PodName::new(pod).ok()?),
        _ => return None,
    };
    let (Plain::Text(name), value) = (name?, value?) else { return None };
    let value = match value {
        Plain::Text(text) => MetricValue::new(text),
        Plain::Bare("true" | "false") => return None,
        Plain::Bare(number) => MetricValue::new(number),
    };
    let cumulative = match cumulative {
        None | Some(Plain::Bare("false")) => false,
        Some(Plain::Bare("true")) => true,
        Some(_) => return None,
    };
    let metadata = match metadata {
        None => String::new(),
        Some(Plain::Text(text)) => text.into_owned(),
        Some(Plain::Bare(_)) => return None,
    };
    Some(NewMetric {
        owner,
        name: MetricName::new(name).ok()?,
        date: date.map(|date| date.as_str().parse()).transpose().ok()?,
        value,
        cumulative,
        metadata,
        step: step.map(|step| step.as_str().parse()).transpose().ok()?,
        epoch: match epoch {
            None => None,
            Some(epoch) => Some(epoch.as_str().parse().ok().filter(|number: &f64| number.is_finite())?),
        },
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
            Element::Point(RawPoint { fields }) => {
                let all = fields.into_iter().map(|(name, raw)| (name, FieldValue::Json(raw.to_owned())));
                NewMetric::from_fields(Fields::new(all.collect()))
            }
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
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry::<String, &'de RawValue>()? {
                    fields.push(field);
                }
                Ok(Element::Point(RawPoint { fields }))
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

/// The fields of a point as they stand in the body.
struct RawPoint<'a> {
    fields: Vec<(String, &'a RawValue)>,
}
