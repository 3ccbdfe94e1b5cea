//! Values of metrics: texts that round-trip byte for byte, stored as numbers where possible.
//!
//! A worker sends most values as the shortest text of a float, 17 or 18 bytes. The float takes 8 bytes, and an integer 1
//! to 8. Only a text that its number prints exactly is replaced, so `1.50`, `1e-5`, `NaN` and `+1` stay texts.

use std::io::Write;

use mlbench_core::{MetricValue, storage};
use rusqlite::Row;
use rusqlite::types::{FromSqlError, ToSql, ToSqlOutput, ValueRef};

/// A text of at most this many bytes takes no more space than a float.
const FLOAT_BYTES: usize = 8;
/// Longer texts are not checked: they have more digits than the shortest text of any float.
const MAX_FLOAT_TEXT: usize = 26;

/// A value as SQLite stores it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum SqlValue<'a> {
    Integer(i64),
    Real(f64),
    Text(&'a str),
}

impl<'a> From<&'a MetricValue> for SqlValue<'a> {
    fn from(value: &'a MetricValue) -> Self {
        let text = value.as_str();
        if let Some(integer) = canonical_integer(text) {
            return Self::Integer(integer);
        }
        if text.len() > FLOAT_BYTES && text.len() <= MAX_FLOAT_TEXT {
            let real = value.as_finite().filter(|real| prints_as(*real, text));
            if let Some(real) = real {
                return Self::Real(real);
            }
        }
        Self::Text(text)
    }
}

impl<'a> From<SqlValue<'a>> for storage::ValueRef<'a> {
    fn from(stored: SqlValue<'a>) -> Self {
        match stored {
            SqlValue::Integer(integer) => Self::Integer(integer),
            SqlValue::Real(real) => Self::Real(real),
            SqlValue::Text(text) => Self::Text(text),
        }
    }
}

impl ToSql for SqlValue<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Integer(integer) => ValueRef::Integer(integer),
            Self::Real(real) => ValueRef::Real(real),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

impl SqlValue<'_> {
    /// Returns the number if the value is a finite one.
    pub(crate) fn as_finite(self) -> Option<f64> {
        storage::ValueRef::from(self).as_finite()
    }

    /// Returns the original text.
    pub(crate) fn into_value(self) -> MetricValue {
        storage::ValueRef::from(self).into()
    }

    /// Reads a column.
    pub(crate) fn read(column: ValueRef<'_>) -> Result<SqlValue<'_>, FromSqlError> {
        Ok(match column {
            ValueRef::Integer(integer) => SqlValue::Integer(integer),
            ValueRef::Real(real) => SqlValue::Real(real),
            other => SqlValue::Text(other.as_str()?),
        })
    }
}

/// Reads a column that holds a count.
pub(crate) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get(column).map(|count: i64| u64::try_from(count).unwrap_or(0))
}

fn canonical_integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let canonical = match digits.as_bytes() {
        [b'0'] => digits.len() == text.len(),
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if canonical { text.parse().ok() } else { None }
}

/// Whether a number prints as `text`.
///
/// Most numbers are decided without the formatting of the standard library, which takes longer than storing a point.
fn prints_as(real: f64, text: &str) -> bool {
    let mut shortest = zmij::Buffer::new();
    let shortest = shortest.format_finite(real);
    if !shortest.contains('e') {
        // Whole numbers are printed without it.
        return shortest.strip_suffix(".0").unwrap_or(shortest) == text;
    }
    let mut buffer = [0_u8; MAX_FLOAT_TEXT];
    let mut rest = &mut buffer[..];
    // A number that does not fit prints longer than any text that is checked.
    let fits = write!(rest, "{real}").is_ok();
    let left = rest.len();
    fits && &buffer[..MAX_FLOAT_TEXT - left] == text.as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(text: &str) -> MetricValue {
        SqlValue::from(&MetricValue::from(text)).into_value()
    }

    #[test]
    fn number_is_stored_only_if_it_prints_as_the_text() {
        let check = |text: &str, expected| {
            assert_eq!(SqlValue::from(&MetricValue::from(text)), expected, "{text:?}");
        };
        check("0", SqlValue::Integer(0));
        check("-17", SqlValue::Integer(-17));
        check("123456789012", SqlValue::Integer(123_456_789_012));
        check("0.30000000000000004", SqlValue::Real(0.1 + 0.2));
        check("-0.123456789", SqlValue::Real(-0.123_456_789));
        check("100000000000000000000", SqlValue::Real(1e20));
        for text in [
            "0.5",
            "007",
            "-0",
            "+1",
            "1.500000000",
            "9223372036854775808",
            "1e-05",
            "0.1e100000",
            "Infinity",
            "inf",
            "",
            " 12345678901",
        ] {
            check(text, SqlValue::Text(text));
        }
    }

    proptest! {
        #[test]
        fn every_text_round_trips(
            text in ".{0,30}",
            number in any::<f64>(),
            integer in any::<i64>(),
            decimal in "-?[0-9]{0,20}\\.?[0-9]{0,20}",
        ) {
            for text in [text, number.to_string(), format!("{number:e}"), integer.to_string(), decimal] {
                let back = round_trip(&text);
                prop_assert_eq!(back.as_str(), &text);
                let value = MetricValue::from(text.as_str());
                prop_assert_eq!(SqlValue::from(&value).as_finite(), value.as_finite());
            }
        }
    }
}
