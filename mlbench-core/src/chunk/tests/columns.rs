//! Tests of columns: values, order, ranges.

use proptest::prelude::*;

use super::row::{Row, columns, rows, some_rows, sorted_rows};
use crate::chunk::Columns;
use crate::metric::MetricValue;
use crate::storage::{PointDetails, ValueRef};
use crate::time::Timestamp;

fn pushed(value: ValueRef<'_>) -> Columns {
    let mut columns = Columns::with_capacity(1);
    let details = PointDetails { cumulative: false, metadata: "", step: None, epoch: None };
    columns.push(Timestamp::EPOCH, 1, value, details);
    columns
}

#[test]
fn a_text_that_a_number_prints_becomes_that_number() {
    for text in ["0.5", "3", "-0", "0", "-7", "9007199254740992", "100000000000000000", "0.00001"] {
        let columns = pushed(ValueRef::Text(text));
        assert_eq!(columns.text_bytes(), 0, "{text}");
        assert_eq!(columns.value(0).to_string(), text);
        assert_eq!(columns.number(0), Some(text.parse().unwrap()));
    }
}

#[test]
fn other_texts_are_kept_beside_their_number() {
    for (text, number) in [
        ("1.50", Some(1.5)),
        ("1e-05", Some(1e-5)),
        (" 2", Some(2.0)),
        ("9007199254740993", Some(9_007_199_254_740_992.0)),
        ("NaN", None),
        ("-Infinity", None),
        ("", None),
        ("done", None),
    ] {
        let columns = pushed(ValueRef::Text(text));
        assert_eq!(columns.value(0), ValueRef::Text(text));
        assert_eq!(columns.number(0), number, "{text}");
    }
}

#[test]
fn every_kind_of_value_prints_the_same_before_and_after() {
    for value in [
        ValueRef::Integer(i64::MIN),
        ValueRef::Integer(i64::MAX),
        ValueRef::Integer(1 << 53),
        ValueRef::Integer((1 << 53) + 1),
        ValueRef::Integer(-12),
        ValueRef::Real(-0.0),
        ValueRef::Real(1e300),
        ValueRef::Real(0.1 + 0.2),
    ] {
        let columns = pushed(value);
        assert_eq!(columns.value(0).to_string(), value.to_string());
        assert_eq!(columns.number(0), value.as_finite());
    }
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let columns = pushed(ValueRef::Real(number));
        assert_eq!(columns.value(0).to_string(), MetricValue::from(number).as_str());
        assert_eq!(columns.number(0), None);
    }
}

#[test]
fn absent_columns_stay_absent() {
    let full = columns(&[Row::new(1, 1, "a"), Row::new(2, 2, "3")]);
    let mut bare = Columns { seqs: Vec::new(), details: crate::chunk::columns::Absent(None), ..full.clone() };
    assert_eq!(bare.point(0, true).details, None);
    assert_eq!(bare.seq(1), 0);
    bare.append_from(&full, 0..2);
    assert_eq!((bare.len(), bare.seqs(), bare.details(3)), (4, [].as_slice(), None));
    let mut mixed = full.clone();
    mixed.append_from(&bare, 1..2);
    assert_eq!((mixed.len(), mixed.seqs(), mixed.details(0)), (3, [].as_slice(), None));
    assert_eq!(mixed.value(2).to_string(), "3");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn columns_keep_every_row(all in some_rows(60)) {
        let columns = columns(&all);
        prop_assert_eq!(rows(&columns), all.clone());
        for (index, row) in all.iter().enumerate() {
            let value = MetricValue::from(row.value.as_str());
            prop_assert_eq!(columns.number(index), value.as_finite());
        }
    }

    #[test]
    fn sorting_is_stable(mut all in some_rows(60)) {
        let mut columns = columns(&all);
        columns.sort();
        all.sort_by_key(|row| (row.date, row.seq));
        prop_assert_eq!(rows(&columns), all);
    }

    #[test]
    fn merging_sorts_the_points_of_both(a in sorted_rows(40), b in sorted_rows(40)) {
        let merged = Columns::merge(columns(&a), columns(&b));
        let mut expected: Vec<Row> = a.into_iter().chain(b).collect();
        expected.sort_by_key(|row| (row.date, row.seq));
        let positions = |rows: &[Row]| rows.iter().map(|row| (row.date, row.seq)).collect::<Vec<_>>();
        prop_assert_eq!(positions(&rows(&merged)), positions(&expected));
        let text = |row: &Row| format!("{row:?}");
        let mut texts = [rows(&merged), expected].map(|rows| rows.iter().map(text).collect::<Vec<_>>());
        texts.iter_mut().for_each(|texts| texts.sort());
        prop_assert_eq!(&texts[0], &texts[1]);
    }

    #[test]
    fn appended_ranges_are_the_same_rows(a in some_rows(40), b in some_rows(40), cut in 0.0..1.0_f64) {
        let cut = (b.len() as f64 * cut) as usize;
        let mut appended = columns(&a);
        let other = columns(&b);
        appended.append_from(&other, cut..b.len());
        appended.append_from(&other, 0..cut);
        let expected: Vec<Row> = a.into_iter().chain(b[cut..].to_vec()).chain(b[..cut].to_vec()).collect();
        prop_assert_eq!(rows(&appended), expected);
    }
}
