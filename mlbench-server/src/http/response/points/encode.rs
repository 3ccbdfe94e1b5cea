//! Writes points, buckets and texts as JSON and as CSV cells.

use mlbench_core::api::PointField;
use mlbench_core::downsample::minmax::Bucket;
use mlbench_core::metric::{json_number, plain_number};
use mlbench_core::storage::{PointRef, ValueRef};
use mlbench_core::time::{Timestamp, TimestampWriter};

/// The columns of a bucket.
pub(super) const BUCKET_FIELDS: [&str; 10] =
    ["start", "end", "count", "first", "last", "min", "max", "sum", "step", "epoch"];

/// Writes `"date":"…","value":"…"`.
pub(in crate::http) fn write_fields(
    text: &mut Vec<u8>,
    fields: &[PointField],
    point: &PointRef<'_>,
    dates: &mut TimestampWriter,
) {
    for (i, field) in fields.iter().enumerate() {
        if i > 0 {
            text.push(b',');
        }
        match field {
            PointField::Date => {
                text.extend_from_slice(b"\"date\":\"");
                text.extend_from_slice(dates.text(point.date));
                text.push(b'"');
            }
            PointField::Value => {
                text.extend_from_slice(b"\"value\":");
                write_value(text, point.value);
            }
            PointField::Cumulative => {
                let cumulative = point.details.is_some_and(|details| details.cumulative);
                text.extend_from_slice(b"\"cumulative\":");
                text.extend_from_slice(word(cumulative));
            }
            PointField::Metadata => {
                text.extend_from_slice(b"\"metadata\":");
                write_text(text, point.details.map_or("", |details| details.metadata));
            }
            PointField::Step => {
                text.extend_from_slice(b"\"step\":");
                write_integer_or_null(text, point.details.and_then(|details| details.step));
            }
            PointField::Epoch => {
                text.extend_from_slice(b"\"epoch\":");
                write_number_or_null(text, point.details.and_then(|details| details.epoch));
            }
        }
    }
}

/// Writes the fields as cells of a row. A missing one is empty.
pub(super) fn write_cells(
    text: &mut Vec<u8>,
    fields: &[PointField],
    point: &PointRef<'_>,
    dates: &mut TimestampWriter,
) {
    for (i, field) in fields.iter().enumerate() {
        if i > 0 {
            text.push(b',');
        }
        let details = point.details;
        match field {
            PointField::Date => text.extend_from_slice(dates.text(point.date)),
            PointField::Value => match point.value {
                ValueRef::Text(value) => write_cell(text, value),
                ValueRef::Real(real) => write_real(text, real),
                ValueRef::Integer(integer) => write_integer(text, integer),
            },
            PointField::Cumulative => {
                text.extend_from_slice(word(details.is_some_and(|details| details.cumulative)));
            }
            PointField::Metadata => write_cell(text, details.map_or("", |details| details.metadata)),
            PointField::Step => {
                if let Some(step) = details.and_then(|details| details.step) {
                    write_integer(text, step);
                }
            }
            PointField::Epoch => {
                if let Some(epoch) = details.and_then(|details| details.epoch) {
                    write_number(text, epoch);
                }
            }
        }
    }
}

/// Writes `"start":"…","end":"…","count":…` and the numbers of [`BUCKET_FIELDS`].
pub(in crate::http) fn write_bucket(text: &mut Vec<u8>, bucket: &Bucket, dates: &mut TimestampWriter) {
    let Bucket { start, end, count, first, last, min, max, sum, step, epoch } = *bucket;
    text.extend_from_slice(b"\"start\":\"");
    text.extend_from_slice(dates.text(start));
    text.extend_from_slice(b"\",\"end\":\"");
    text.extend_from_slice(dates.text(end));
    text.extend_from_slice(b"\",\"count\":");
    write_integer(text, count);
    write_keyed(text, b",\"first\":", first);
    write_keyed(text, b",\"last\":", last);
    write_keyed(text, b",\"min\":", min);
    write_keyed(text, b",\"max\":", max);
    write_keyed(text, b",\"sum\":", sum);
    text.extend_from_slice(b",\"step\":");
    write_integer_or_null(text, step);
    write_keyed(text, b",\"epoch\":", epoch);
}

/// Writes a number after its key.
fn write_keyed<const N: usize>(text: &mut Vec<u8>, key: &[u8; N], number: Option<f64>) {
    text.extend_from_slice(key);
    write_number_or_null(text, number);
}

/// Writes a bucket as cells of a row.
pub(super) fn write_bucket_cells(text: &mut Vec<u8>, bucket: &Bucket, dates: &mut TimestampWriter) {
    let Bucket { start, end, count, first, last, min, max, sum, step, epoch } = *bucket;
    text.extend_from_slice(dates.text(start));
    text.push(b',');
    text.extend_from_slice(dates.text(end));
    text.push(b',');
    write_integer(text, count);
    for number in [first, last, min, max, sum] {
        text.push(b',');
        if let Some(number) = number {
            write_number(text, number);
        }
    }
    text.push(b',');
    if let Some(step) = step {
        write_integer(text, step);
    }
    text.push(b',');
    if let Some(epoch) = epoch {
        write_number(text, epoch);
    }
}

/// Writes `,{"date":"…","value":"…"}` for points whose numbers print as their values.
///
/// Ends when `text` has `full` bytes. Returns how many it has written, at least one.
pub(super) fn write_numbers(
    text: &mut Vec<u8>,
    (dates, numbers): (&[i64], &[f64]),
    writer: &mut TimestampWriter,
    full: usize,
) -> usize {
    let mut head = *b",{\"date\":\"0000-00-00T00:00:00.000000Z\",\"value\":\"";
    for (index, (date, number)) in dates.iter().zip(numbers).enumerate() {
        head[10..37].copy_from_slice(writer.text(Timestamp::from_micros(*date)));
        text.extend_from_slice(&head);
        match ValueRef::of_number(*number) {
            ValueRef::Integer(integer) => write_integer(text, integer),
            _ => write_real(text, *number),
        }
        text.extend_from_slice(b"\"}");
        if text.len() >= full {
            return index + 1;
        }
    }
    dates.len()
}

/// Writes a value, which is always a JSON string. Numbers need no escapes.
fn write_value(text: &mut Vec<u8>, value: ValueRef<'_>) {
    match value {
        ValueRef::Text(value) => write_text(text, value),
        ValueRef::Real(real) => {
            text.push(b'"');
            write_real(text, real);
            text.push(b'"');
        }
        ValueRef::Integer(integer) => {
            text.push(b'"');
            write_integer(text, integer);
            text.push(b'"');
        }
    }
}

/// Writes a finite number as a value.
fn write_real(text: &mut Vec<u8>, real: f64) {
    plain_number(real, |printed| text.extend_from_slice(printed.as_bytes()));
}

/// Writes a finite number as JSON, whole ones as `3`, not `3.0`.
fn write_number(text: &mut Vec<u8>, number: f64) {
    json_number(number, |printed| text.extend_from_slice(printed.as_bytes()));
}

fn write_number_or_null(text: &mut Vec<u8>, number: Option<f64>) {
    match number {
        Some(number) => write_number(text, number),
        None => text.extend_from_slice(b"null"),
    }
}

fn write_integer_or_null(text: &mut Vec<u8>, integer: Option<i64>) {
    match integer {
        Some(integer) => write_integer(text, integer),
        None => text.extend_from_slice(b"null"),
    }
}

const fn word(yes: bool) -> &'static [u8] {
    if yes { b"true" } else { b"false" }
}

fn write_integer(text: &mut Vec<u8>, integer: impl itoa::Integer) {
    text.extend_from_slice(itoa::Buffer::new().format(integer).as_bytes());
}

/// Writes a JSON string. Most need no escapes.
pub(in crate::http) fn write_text(text: &mut Vec<u8>, value: &str) {
    if value.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\') {
        text.push(b'"');
        text.extend_from_slice(value.as_bytes());
        text.push(b'"');
    } else {
        text.extend_from_slice(serde_json::Value::from(value).to_string().as_bytes());
    }
}

/// Writes a cell of a row, quoted where RFC 4180 asks for it.
pub(super) fn write_cell(text: &mut Vec<u8>, value: &str) {
    if !value.contains(['"', ',', '\r', '\n']) {
        return text.extend_from_slice(value.as_bytes());
    }
    text.push(b'"');
    text.extend_from_slice(value.replace('"', "\"\"").as_bytes());
    text.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_is_written_as_serde_writes_it() {
        for text in ["0.7845", "", "ü \u{1F980}", "a\"b\\c", "\u{1}\n\u{7f}", "80% Top 1"] {
            let mut written = Vec::new();
            write_text(&mut written, text);
            assert_eq!(serde_json::from_slice::<String>(&written).unwrap(), text);
        }
    }

    proptest! {
        #[test]
        fn a_stored_number_is_written_as_it_was_sent(bits in any::<u64>(), digits in 0..1_000_000_i64, places in 0..9) {
            let decimal = digits as f64 / 10_f64.powi(places);
            for real in [f64::from_bits(bits), decimal, -decimal, decimal.sin()] {
                if real.is_finite() {
                    let mut written = Vec::new();
                    write_real(&mut written, real);
                    prop_assert_eq!(String::from_utf8(written).unwrap(), ValueRef::Real(real).to_string());
                }
            }
        }
    }

    #[test]
    fn a_number_is_json_that_reads_back() {
        for number in [0.0, -0.5, 3.0, 1e-300, 1.797e308, 123_456.75, 1e16, -2.5e-7] {
            let mut written = Vec::new();
            write_number(&mut written, number);
            assert_eq!(serde_json::from_slice::<f64>(&written).unwrap(), number);
            assert!(written.len() < 25, "{}", String::from_utf8_lossy(&written));
        }
    }

    #[test]
    fn a_cell_is_quoted_where_it_must_be() {
        for (value, cell) in [
            ("0.5", "0.5"),
            ("", ""),
            (" a b ", " a b "),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("a\nb", "\"a\nb\""),
            ("a\rb", "\"a\rb\""),
        ] {
            let mut written = Vec::new();
            write_cell(&mut written, value);
            assert_eq!(String::from_utf8(written).unwrap(), cell);
        }
    }
}
