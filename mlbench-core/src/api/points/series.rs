//! Series in columns: the arrays of a series become columns in one pass over the body.

use super::array::{MAX_ARRAY_POINTS, mixed, too_many_points};
use super::scan::Scanner;
use super::series_fields::{self as fields, ColumnsBuilder, Failure};
use crate::api::field_value::{FieldValue, MAX_FIELDS};
use crate::api::fields::Fields;
use crate::api::json::{lone_surrogate, not_json, quote_non_finite};
use crate::api::new_metric::SeriesFields;
use crate::error::{Error, ErrorCode, Result};
use crate::storage::{BatchSeries, SeriesName};
use crate::time::Timestamp;

/// Parses one series, or an array of series.
pub(super) fn parse_series(body: &[u8], now: Timestamp) -> Result<Vec<BatchSeries>> {
    let first = match parse(body, Part::Whole, now) {
        Err(Failure::Syntax) => quote_non_finite(body).map(|body| parse(&body, Part::Whole, now)),
        other => Some(other),
    };
    match first {
        Some(Ok(series)) => Ok(series),
        Some(Err(Failure::Refused(error))) => Err(error),
        Some(Err(Failure::TooMany)) => Err(too_many_points()),
        Some(Err(Failure::Syntax)) | None => Err(syntax_error(body)),
    }
}

/// Creates the error with the position at which the body ceases to be JSON.
fn syntax_error(body: &[u8]) -> Error {
    match serde_json::from_slice::<serde::de::IgnoredAny>(body) {
        Err(error) => not_json("body: not JSON", body, &error),
        Ok(_) => {
            let problem = lone_surrogate(body);
            let problem = problem.as_deref().unwrap_or("must be a series or an array of series");
            Error::new(ErrorCode::Malformed, format!("body: {problem}"))
        }
    }
}

/// Which part of the array of series a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it, or one series without an array.
    Whole,
    /// Up to the comma between two series.
    First,
    /// From the series after that comma.
    Second,
}

/// Parses series on one pass over the text.
pub(super) fn parse(body: &[u8], part: Part, now: Timestamp) -> Result<Vec<BatchSeries>, Failure> {
    let mut scanner = Scanner::new(std::str::from_utf8(body).map_err(|_| Failure::Syntax)?);
    let is_array = part == Part::Second || scanner.take(b'[');
    let (mut all, mut room) = (Vec::new(), MAX_ARRAY_POINTS);
    loop {
        let index = all.len();
        if index == MAX_ARRAY_POINTS {
            return Err(Failure::TooMany);
        }
        let begin = scanner.position();
        if !scanner.is_series() {
            scanner.seek(begin);
            return Err(scanner.item().map_or(Failure::Syntax, |_| mixed(index).into()));
        }
        scanner.seek(begin);
        let series = one_series(&mut scanner, index, room, now).map_err(|failure| match failure {
            Failure::Refused(error) if is_array => Failure::Refused(in_array(index, &error)),
            other => other,
        })?;
        room -= series.points.len() + series.rejected.len();
        all.push(series);
        if !is_array || !scanner.take(b',') {
            break;
        }
        if part == Part::First && scanner.is_at_end() {
            return Ok(all);
        }
    }
    let is_complete = (!is_array || scanner.take(b']')) && scanner.is_at_end();
    if is_complete && part != Part::First { Ok(all) } else { Err(Failure::Syntax) }
}

fn in_array(index: usize, error: &Error) -> Error {
    Error::new(error.code(), format!("{} (series at index {index})", error.detail()))
}

fn one_series(
    scanner: &mut Scanner<'_>,
    index: usize,
    room: usize,
    now: Timestamp,
) -> Result<BatchSeries, Failure> {
    let mut columns = ColumnsBuilder::new(now, room);
    let mut others = Vec::new();
    let mut more = scanner.take(b'{');
    while more {
        let name = scanner.field().ok_or(Failure::Syntax)?;
        if !columns.read(&name, scanner)? {
            if others.len() == MAX_FIELDS {
                let detail = format!("body: more than {MAX_FIELDS} members");
                return Err(Error::new(ErrorCode::Malformed, detail).into());
            }
            let value = scanner.item().ok_or(Failure::Syntax)?;
            others.push((name.into_owned(), fields::value(value)));
        }
        more = scanner.take(b',');
    }
    if !scanner.take(b'}') {
        return Err(Failure::Syntax);
    }
    let series = series_name(others)?;
    let (points, rejected) = columns.finish()?;
    Ok(BatchSeries { index: index as u64, series, points, rejected })
}

/// Returns the owner and the name, or why the series has none.
fn series_name(others: Vec<(String, FieldValue)>) -> Result<Result<SeriesName>> {
    let mut fields = Fields::new(others);
    let taken = SeriesFields::take(&mut fields);
    if taken.is_ok() {
        fields::COLUMNS.iter().for_each(|name| drop(fields.take(name)));
        fields.finish()?;
    }
    Ok(taken.and_then(|series| Ok(SeriesName { name: series.name()?, owner: series.owner()? })))
}
