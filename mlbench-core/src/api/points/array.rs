//! JSON arrays of points.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, SeqAccess, Visitor};

use super::element::Element;
use super::point::from_plain;
use super::scan::Scanner;
use crate::api::json::{not_json, quote_non_finite, without_bom};
use crate::api::new_metric::NewMetric;
use crate::error::{Error, ErrorCode, Result};

/// Maximum number of points in a JSON array. NDJSON uploads have no limit.
pub const MAX_ARRAY_POINTS: usize = 100_000;

/// Parses a JSON array of points. Calls `make` with the index and the result of each.
///
/// Accepts `NaN`, `Infinity` and `-Infinity` without quotes, as Python's JSON library writes them.
///
/// # Errors
/// [`ErrorCode::Malformed`] with line and column if the body is not a JSON array. [`ErrorCode::PayloadTooLarge`] for
/// more than [`MAX_ARRAY_POINTS`] points.
pub(super) fn parse_points<T>(body: &[u8], make: impl Fn(u64, Result<NewMetric>) -> T) -> Result<Vec<T>> {
    let (make, body): (&dyn Fn(u64, Result<NewMetric>) -> T, _) = (&make, without_bom(body));
    let syntax = match parse_array_fast(body, make).map_or_else(|| parse_array(body, make), Ok) {
        Err(ArrayError::Syntax(error)) => error,
        Err(ArrayError::Refused(error)) => return Err(error),
        Ok(points) => return Ok(points),
    };
    match quote_non_finite(body).map(|body| parse_array(&body, make)) {
        Some(Ok(points)) => Ok(points),
        Some(Err(ArrayError::Refused(error))) => Err(error),
        Some(Err(ArrayError::Syntax(_))) | None => Err(not_json("body: not a JSON array", body, &syntax)),
    }
}

/// Parses the array point by point, and only unusual points on the general path.
///
/// Returns `None` if the array itself is unusual.
fn parse_array_fast<T>(body: &[u8], make: &dyn Fn(u64, Result<NewMetric>) -> T) -> Option<Vec<T>> {
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
        let point = match scanner.point().and_then(from_plain) {
            Some(metric) => Ok(metric),
            None => {
                let mut one =
                    serde_json::Deserializer::from_str(text.get(begin..)?).into_iter::<Element<'_>>();
                let element = one.next()?.ok()?;
                if element.is_series() {
                    return None;
                }
                scanner.seek(begin + one.byte_offset());
                element.parse()
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

/// Parses any array on the general path.
fn parse_array<T>(body: &[u8], make: &dyn Fn(u64, Result<NewMetric>) -> T) -> Result<Vec<T>, ArrayError> {
    let mut refusal = None;
    let mut json = serde_json::Deserializer::from_slice(body);
    let array = Array { make, refusal: &mut refusal };
    let points = array.deserialize(&mut json).and_then(|points| json.end().map(|()| points));
    refusal.map_or_else(|| points.map_err(ArrayError::Syntax), |error| Err(ArrayError::Refused(error)))
}

enum ArrayError {
    Refused(Error),
    Syntax(serde_json::Error),
}

/// Returns the error for an array of points and of series.
pub(super) fn mixed(index: usize) -> Error {
    let detail = format!(
        "body: the element at index {index} is of another kind than those before it; send points and series in \
         separate requests"
    );
    Error::new(ErrorCode::Malformed, detail)
}

pub(super) fn too_many_points() -> Error {
    let detail = format!(
        "body: more than {MAX_ARRAY_POINTS} points in one request; send larger batches as lines \
         (Content-Type: application/x-ndjson)"
    );
    Error::new(ErrorCode::PayloadTooLarge, detail)
}

/// Deserializes the array point by point.
struct Array<'m, T> {
    make: &'m dyn Fn(u64, Result<NewMetric>) -> T,
    refusal: &'m mut Option<Error>,
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
        f.write_str("an array of points, or series in columns")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Vec<T>, A::Error> {
        let mut points = Vec::new();
        while let Some(element) = array.next_element::<Element<'de>>()? {
            let refusal = match points.len() {
                MAX_ARRAY_POINTS => Some(too_many_points()),
                index if element.is_series() => Some(mixed(index)),
                _ => None,
            };
            if refusal.is_some() {
                *self.refusal = refusal;
                return Err(de::Error::custom("refused"));
            }
            points.push((self.make)(points.len() as u64, element.parse()));
        }
        Ok(points)
    }
}
