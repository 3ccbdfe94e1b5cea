//! Points as rows, which the tests compare columns with.

use proptest::prelude::*;

use crate::chunk::Columns;
use crate::storage::{PointDetails, ValueRef};
use crate::time::Timestamp;

/// A point that owns its texts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) date: i64,
    pub(super) seq: i64,
    pub(super) value: String,
    pub(super) cumulative: bool,
    pub(super) metadata: String,
    pub(super) step: Option<i64>,
    pub(super) epoch: Option<f64>,
}

impl Row {
    /// Creates a point without details.
    pub(super) fn new(date: i64, seq: i64, value: &str) -> Self {
        let (value, metadata) = (value.to_owned(), String::new());
        Self { date, seq, value, cumulative: false, metadata, step: None, epoch: None }
    }

    fn details(&self) -> PointDetails<'_> {
        let Self { cumulative, metadata, step, epoch, .. } = self;
        PointDetails { cumulative: *cumulative, metadata, step: *step, epoch: *epoch }
    }
}

/// Creates columns of rows.
pub(super) fn columns(rows: &[Row]) -> Columns {
    let mut columns = Columns::default();
    for row in rows {
        let date = Timestamp::from_micros(row.date);
        columns.push(date, row.seq, ValueRef::Text(&row.value), row.details());
    }
    columns
}

/// Reads columns with arrival numbers and details back into rows.
pub(super) fn rows(columns: &Columns) -> Vec<Row> {
    let row = |index| {
        let point = columns.point(index, true);
        let details = point.details.unwrap();
        Row {
            date: point.date.as_micros(),
            seq: columns.seq(index),
            value: point.value.to_string(),
            cumulative: details.cumulative,
            metadata: details.metadata.to_owned(),
            step: details.step,
            epoch: details.epoch,
        }
    };
    (0..columns.len()).map(row).collect()
}

/// Generates up to `most` rows in the order of date and arrival number.
pub(super) fn sorted_rows(most: usize) -> impl Strategy<Value = Vec<Row>> {
    some_rows(most).prop_map(|mut rows| {
        rows.sort_by_key(|row| (row.date, row.seq));
        rows
    })
}

/// Generates up to `most` rows: columns of one kind, or of mixed kinds.
pub(super) fn some_rows(most: usize) -> impl Strategy<Value = Vec<Row>> {
    let kinds = (0..5_u8, 0..4_u8, 0..4_u8, 0..4_u8);
    (kinds, 1..=most).prop_flat_map(|((values, dates, details, metadata), points)| {
        proptest::collection::vec(row(values, dates, details, metadata), points)
    })
}

fn row(values: u8, dates: u8, details: u8, metadata: u8) -> impl Strategy<Value = Row> {
    let date = match dates {
        0 => Just(1_700_000_000_000_000).boxed(),
        1 => (0..1_000_i64).prop_map(|ms| 1_700_000_000_000_000 + ms * 1_000).boxed(),
        2 => (0..5_i64).boxed(),
        _ => (0..=Timestamp::MAX.as_micros()).boxed(),
    };
    let seq = if dates == 3 { any::<i64>().boxed() } else { (0..5_000_i64).boxed() };
    let step = match details {
        0 => Just(None).boxed(),
        1 => (0..100_i64).prop_map(Some).boxed(),
        _ => proptest::option::of(any::<i64>()).boxed(),
    };
    let epoch = match details {
        0 | 1 => Just(None).boxed(),
        2 => proptest::option::of((0..100_u8).prop_map(|epoch| f64::from(epoch) / 4.0)).boxed(),
        _ => proptest::option::of(proptest::num::f64::ANY.prop_filter("finite", |e| e.is_finite())).boxed(),
    };
    let metadata = match metadata {
        0 => Just(String::new()).boxed(),
        1 => Just("phase=eval".to_owned()).boxed(),
        2 => prop_oneof![Just(String::new()), Just("a".to_owned()), Just("ü".to_owned())].boxed(),
        _ => ".{0,12}".boxed(),
    };
    let cumulative = if details == 1 { Just(true).boxed() } else { any::<bool>().boxed() };
    (date, seq, value(values), (step, epoch, metadata, cumulative)).prop_map(
        |(date, seq, value, (step, epoch, metadata, cumulative))| Row {
            date,
            seq,
            value,
            cumulative,
            metadata,
            step,
            epoch,
        },
    )
}

/// Generates values: texts, integers, decimals, floats, or a mix.
fn value(kind: u8) -> BoxedStrategy<String> {
    let float = || proptest::num::f64::ANY.prop_map(|number| format!("{number}"));
    let scientific = proptest::num::f64::ANY.prop_map(|number| format!("{number:e}"));
    let single = proptest::num::f32::NORMAL.prop_map(|number| format!("{}", f64::from(number)));
    let decimal =
        || (0..100_000_i64, 1..6_usize).prop_map(|(n, digits)| format!("{:.digits$}", n as f64 / 1e4));
    let special = prop_oneof![
        Just("NaN"),
        Just("Infinity"),
        Just("-inf"),
        Just(""),
        Just("-0"),
        Just("-0.0"),
        Just("1.50"),
        Just("1e-05"),
        Just("9007199254740993"),
        Just("-9007199254740992"),
        Just("18446744073709551616"),
        Just("100000000000000000"),
        Just("0.1"),
        Just(".5"),
        Just("+1"),
        Just(" 1"),
        Just("01"),
        Just("-"),
        Just("0.30000000000000004"),
        Just("accuracy reached"),
        Just("1723946505500986.3"),
        Just("5e-324"),
    ]
    .prop_map(str::to_owned);
    match kind {
        0 => any::<i64>().prop_map(|integer| integer.to_string()).boxed(),
        1 => decimal().boxed(),
        2 => prop_oneof![float(), single].boxed(),
        3 => prop_oneof![50 => (0..9_i64).prop_map(|n| n.to_string()), 1 => Just("NaN".to_owned())].boxed(),
        _ => prop_oneof![special, decimal(), float(), scientific, ".{0,20}"].boxed(),
    }
}
