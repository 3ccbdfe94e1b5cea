//! Values of metrics: texts that round-trip byte for byte, stored as numbers where possible.
//!
//! A worker sends most values as the shortest text of a float, 17 or 18 bytes. The float takes 8 bytes, and an integer 1
//! to 8. Only a text that its number prints exactly is replaced, so `1.50`, `1e-5`, `NaN` and `+1` stay texts.

use mlbench_core::MetricValue;
use mlbench_core::storage::ValueRef;
use rusqlite::Row;
use rusqlite::types::{self, FromSqlError, ToSql, ToSqlOutput};

/// A value as SQLite stores it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SqlValue<'a>(pub(crate) ValueRef<'a>);

impl<'a> From<&'a MetricValue> for SqlValue<'a> {
    fn from(value: &'a MetricValue) -> Self {
        Self(value.into())
    }
}

impl ToSql for SqlValue<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            ValueRef::Integer(integer) => types::ValueRef::Integer(integer),
            ValueRef::Real(real) => types::ValueRef::Real(real),
            ValueRef::Text(text) => types::ValueRef::Text(text.as_bytes()),
        }))
    }
}

impl SqlValue<'_> {
    /// Reads a column.
    pub(crate) fn read(column: types::ValueRef<'_>) -> Result<SqlValue<'_>, FromSqlError> {
        Ok(SqlValue(match column {
            types::ValueRef::Integer(integer) => ValueRef::Integer(integer),
            types::ValueRef::Real(real) => ValueRef::Real(real),
            other => ValueRef::Text(other.as_str()?),
        }))
    }
}

/// Returns a count as a parameter.
pub(crate) fn to_i64(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Reads a column that holds a count.
pub(crate) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get(column).map(|count: i64| u64::try_from(count).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(text: &str) -> MetricValue {
        ValueRef::from(&MetricValue::from(text)).into()
    }

    #[test]
    fn number_is_stored_only_if_it_prints_as_the_text() {
        let check = |text: &str, expected| {
            assert_eq!(ValueRef::from(&MetricValue::from(text)), expected, "{text:?}");
        };
        check("0", ValueRef::Integer(0));
        check("-17", ValueRef::Integer(-17));
        check("123456789012", ValueRef::Integer(123_456_789_012));
        check("0.30000000000000004", ValueRef::Real(0.1 + 0.2));
        check("-0.123456789", ValueRef::Real(-0.123_456_789));
        check("100000000000000000000", ValueRef::Real(1e20));
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
            check(text, ValueRef::Text(text));
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
            for text in [text, number.to_string(), MetricValue::from(number).to_string(), format!("{number:e}"), integer.to_string(), decimal] {
                let back = round_trip(&text);
                prop_assert_eq!(back.as_str(), &text);
                let value = MetricValue::from(text.as_str());
                prop_assert_eq!(ValueRef::from(&value).as_finite(), value.as_finite());
            }
        }
    }
}
