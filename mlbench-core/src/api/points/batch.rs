//! The JSON body of a batch: points as rows, or series in columns.

use super::array::parse_points;
use super::scan::Scanner;
use super::series::parse_series;
use crate::api::json::without_bom;
use crate::api::new_metric::NewMetric;
use crate::error::Result;
use crate::storage::{Batch, BatchPoint};
use crate::time::Timestamp;

/// Parses the JSON body of a batch without a key.
///
/// It is an array of points, one series in columns, or an array of such series. Points without a date get the date `now`. Accepts `NaN`, `Infinity` and `-Infinity` without quotes, as Python's JSON
/// library writes them.
///
/// # Errors
/// [`ErrorCode::Malformed`](crate::error::ErrorCode::Malformed) with line and column if the body is neither, or if it
/// mixes both. [`ErrorCode::PayloadTooLarge`](crate::error::ErrorCode::PayloadTooLarge) for more than
/// [`MAX_ARRAY_POINTS`](super::MAX_ARRAY_POINTS) points. The error of a field with which no series is complete.
pub fn parse_batch(body: &[u8], now: Timestamp) -> Result<Batch> {
    let body = without_bom(body);
    if is_columnar(body) {
        return Ok(Batch { series: parse_series(body, now)?, ..Batch::default() });
    }
    let point =
        |index, point: Result<NewMetric>| BatchPoint { index, metric: point.map(|metric| metric.at(now)) };
    Ok(Batch { points: parse_points(body, point)?, ..Batch::default() })
}

/// Returns whether the body is a series, or an array that begins with one.
fn is_columnar(body: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(body) else { return false };
    let mut scanner = Scanner::new(text);
    scanner.take(b'[');
    let begin = scanner.position();
    // Nearly all arrays begin with a point in the usual format.
    if scanner.point().is_some() {
        return false;
    }
    scanner.seek(begin);
    scanner.is_series()
}
