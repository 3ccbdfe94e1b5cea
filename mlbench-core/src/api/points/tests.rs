use proptest::prelude::*;

use super::array::parse_points;
use super::{MAX_ARRAY_POINTS, parse_batch, parse_point};
use crate::api::fields::Fields;
use crate::api::new_metric::NewMetric;
use crate::batch::{BatchResult, RejectedPoint};
use crate::error::{Error, ErrorCode, Result};
use crate::metric::Metric;
use crate::storage::{BatchSeries, RejectedItem, SeriesName};
use crate::time::Timestamp;

const GOOD: &str = r#"{"run_id":3,"name":"loss @ 0","value":0.5}"#;

fn read(body: &str) -> Result<Vec<Result<NewMetric>>> {
    parse_points(body.as_bytes(), |_, point| point)
}

/// Returns the value or the error message of each point.
fn values(body: &str) -> Vec<String> {
    let value =
        |point: Result<NewMetric>| point.map_or_else(|e| e.detail().to_owned(), |m| m.value.to_string());
    read(body).unwrap().into_iter().map(value).collect()
}

#[test]
fn an_invalid_point_gets_the_error_of_a_single_post() {
    let bad = [
        "7",
        "[[1],2]",
        r#""x""#,
        "null",
        "true",
        "-1.5",
        "{}",
        r#"{"run_id":3,"name":"a","value":1,"nmae":2}"#,
        r#"{"run_id":3,"pod_name":"w","name":"a","value":1}"#,
        r#"{"run_id":"1e-3","name":"a","value":1}"#,
        r#"{"run_id":3,"name":"a","value":{}}"#,
        r#"{"run_id":3,"name":"a","value":1,"date":"yesterday"}"#,
        r#"{"run_id":3,"name":"a","value":1,"step":1.5}"#,
        r#"{"run_id":3,"name":"","value":1}"#,
    ];
    for bad in bad {
        let single = match bad.starts_with('{') {
            true => NewMetric::from_fields(Fields::from_json(bad.as_bytes()).unwrap()).unwrap_err(),
            false => Error::new(ErrorCode::Malformed, "point: must be a JSON object"),
        };
        assert_eq!(values(&format!("[{GOOD}, {bad} ,{GOOD}]")), ["0.5", single.detail(), "0.5"], "{bad}");
        assert_eq!(parse_point(bad.as_bytes()).unwrap_err(), single);
    }
}

#[test]
fn a_body_other_than_an_array_is_refused_with_its_position() {
    for (body, refusal) in [
        ("", "(line 1, column 0): EOF while parsing a value"),
        (GOOD, "(line 1, column 0): invalid type: map, expected an array of points, or series in columns"),
        ("[\n{\"name\": }]", "(line 2, column 10): expected value"),
        ("[{}", "(line 1, column 3): EOF while parsing a list"),
        ("[{}] x", "(line 1, column 6): trailing characters"),
        ("[{\"value\": NaN]", "(line 1, column 12): expected value"),
        (
            "[\"\u{0}\"]",
            "(line 1, column 3): control character (\\u0000-\\u001F) found while parsing a string",
        ),
    ] {
        let error = read(body).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Malformed);
        assert_eq!(error.detail(), format!("body: not a JSON array {refusal}"), "{body}");
    }
    let error = parse_point(b"{\"name\": \"x\"").unwrap_err();
    assert!(error.detail().starts_with("line: not a JSON object (line 1, column 12)"), "{error}");
    assert_eq!(read("[]").unwrap(), []);
    assert!(parse_points(b"[\"\xff\"]", |_, _| ()).is_err());
}

#[test]
fn bare_non_finite_numbers_are_accepted_and_strings_unchanged() {
    let point = |name: &str, value: &str| format!(r#"{{"run_id":3,"name":"{name}","value":{value}}}"#);
    let body = format!(
        "[{},{},{},{}]",
        point(r#"NaN \" -Infinity"#, "NaN"),
        point("b", "-Infinity"),
        point("c", "Infinity"),
        point("d", "1.50")
    );
    assert_eq!(values(&body), ["NaN", "-Infinity", "Infinity", "1.50"]);
    assert_eq!(read(&body).unwrap()[0].as_ref().unwrap().name.as_str(), "NaN \" -Infinity");
    assert_eq!(parse_point(point("a", "NaN").as_bytes()).unwrap().value.as_str(), "NaN");
}

#[test]
fn an_array_above_the_limit_is_too_large() {
    let body = |count: usize| format!("[{}]", vec!["1"; count].join(","));
    assert_eq!(read(&body(MAX_ARRAY_POINTS)).unwrap().len(), MAX_ARRAY_POINTS);
    let error = read(&body(MAX_ARRAY_POINTS + 1)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::PayloadTooLarge);
}

/// Returns the error of a whole batch.
fn refusal(body: &str) -> (ErrorCode, String) {
    let error = parse_batch(body.as_bytes(), NOW).unwrap_err();
    (error.code(), error.detail().to_owned())
}

const NOW: Timestamp = Timestamp::from_micros(1_533_288_089_000_000);

fn series(body: &str) -> Vec<BatchSeries> {
    let batch = parse_batch(body.as_bytes(), NOW).unwrap();
    assert_eq!(batch.points, []);
    batch.series
}

/// Returns the points as rows, each as the metric or the error that the row would be.
fn rows(series: &BatchSeries) -> Vec<Result<Metric>> {
    let SeriesName { owner, name } = series.series.as_ref().unwrap();
    let mut rows: Vec<Result<Metric>> = series.points.metrics(owner, name).map(Ok).collect();
    for RejectedItem { item, error } in &series.rejected {
        rows.insert(usize::try_from(*item).unwrap(), Err(error.clone()));
    }
    rows
}

#[test]
fn a_series_is_a_point_for_each_item() {
    let body = r#"{"run_id": 3, "name": "loss @ 0", "step": [1, 2.0, null], "epoch": [0.5, "1", 1e300],
        "date": ["2018-08-03 09:21:29", 1533288089, null], "value": [1.50, NaN, "-Infinity"],
        "cumulative": [true, "False", null], "metadata": ["a", {"b": [NaN, 1]}, null]}"#;
    let all = series(body);
    let metrics: Vec<Metric> = rows(&all[0]).into_iter().map(Result::unwrap).collect();
    let wire: Vec<serde_json::Value> = metrics.iter().map(|m| serde_json::to_value(m).unwrap()).collect();
    let metric = |value: &str, cumulative: bool, metadata: &str, epoch: f64| {
        serde_json::json!({"run_id": 3, "name": "loss @ 0", "date": "2018-08-03T09:21:29.000000Z", "value": value,
            "cumulative": cumulative, "metadata": metadata, "epoch": epoch})
    };
    let mut expected = vec![
        metric("1.50", true, "a", 0.5),
        metric("NaN", false, r#"{"b": ["NaN", 1]}"#, 1.0),
        metric("-Infinity", false, "", 1e300),
    ];
    expected[0]["step"] = 1.into();
    expected[1]["step"] = 2.into();
    expected[1]["epoch"] = 1.into();
    assert_eq!(wire, expected);
}

#[test]
fn one_value_counts_for_all_points_of_a_series() {
    let all = series(
        r#"[{"value": [1, 2], "pod_name": "w-0", "name": "a", "step": 7, "metadata": "m", "cumulative": true, "date": 0},
            {"run_id": "1.0", "name": "b", "value": [], "epoch": null}, {"name": "c", "run_id": 1, "value": ["x"]}]"#,
    );
    assert_eq!(all.iter().map(|series| series.index).collect::<Vec<_>>(), [0, 1, 2]);
    let details: Vec<_> = all[0].points.iter().map(|point| (point.date, point.details.unwrap())).collect();
    assert_eq!(details.len(), 2);
    for (date, details) in details {
        assert_eq!((date, details.step, details.metadata), (Timestamp::EPOCH, Some(7), "m"));
        assert!(details.cumulative);
    }
    assert!(all[1].points.is_empty());
    assert_eq!(all[2].points.iter().next().unwrap().date, NOW);
    assert_eq!(
        series(r#"{"name": "c", "run_id": 1, "step": [1], "value": ["x"], "value": [2]}"#)[0].points.len(),
        1
    );
}

#[test]
fn a_bad_item_of_a_series_gets_the_error_of_a_single_post() {
    let body = r#"{"run_id":3,"name":"a","step":[1,1.5,3,4,5,6],"value":[1,2,{},true,null,6],
        "date":[0,"x",0,0,"yesterday",0],"cumulative":[false,false,false,false,false,"maybe"]}"#;
    let all = series(body);
    assert_eq!(all[0].points.len(), 1);
    let single = |fields: &str| {
        let body = format!(r#"{{"run_id":3,"name":"a",{fields}}}"#);
        parse_point(body.as_bytes()).unwrap_err()
    };
    let expected = [
        (1, single(r#""step":1.5,"value":2"#)),
        (2, single(r#""value":{}"#)),
        (3, single(r#""value":true"#)),
        (4, single(r#""value":null"#)),
        (5, single(r#""value":6,"cumulative":"maybe""#)),
    ];
    assert_eq!(all[0].rejected, expected.map(|(item, error)| RejectedItem { item, error }));
}

#[test]
fn a_series_without_a_valid_owner_or_name_rejects_its_points() {
    for (fields, code) in [
        (r#""name":"a""#, ErrorCode::InvalidField),
        (r#""name":"a","run_id":1,"pod_name":"w""#, ErrorCode::InvalidField),
        (r#""name":"a","run_id":"1e-3""#, ErrorCode::NotFound),
        (r#""name":"","run_id":1"#, ErrorCode::InvalidField),
        (r#""name":7,"run_id":1"#, ErrorCode::InvalidField),
        (r#""run_id":1"#, ErrorCode::InvalidField),
    ] {
        let all =
            series(&format!(r#"[{{{fields},"value":[1,2,{{}}]}}, {{"run_id":1,"name":"a","value":[3]}}]"#));
        let mut result = BatchResult::default();
        all.iter().for_each(|series| series.report(Ok(()), &mut result));
        assert_eq!((result.accepted, result.rejected_count, result.rejected.len()), (1, 3, 1), "{fields}");
        let RejectedPoint { index, item, code: listed, .. } = result.rejected[0];
        assert_eq!((index, item, listed), (0, None, code), "{fields}");
    }
}

#[test]
fn a_lone_surrogate_in_a_series_is_named() {
    let named = "has the lone surrogate \\ud83d; send both halves of the pair, or \\ufffd";
    for fields in [r#""run_id":1,"name":"\ud83d""#, r#""pod_name":"\ud83d","name":"a""#] {
        let before = series(&format!(r#"{{{fields},"value":[1,2]}}"#));
        assert!(before[0].series.as_ref().unwrap_err().detail().ends_with(named), "{fields}");
        let after = series(&format!(r#"[{{"value":[1,2],{fields}}}]"#));
        assert_eq!(after[0].series, before[0].series, "{fields}");
    }
    let key = refusal(r#"{"\ud83d":1,"run_id":1,"name":"a","value":[1,2]}"#);
    assert_eq!(key, (ErrorCode::Malformed, format!("body: {named}")));
}

#[test]
fn a_body_without_whole_series_is_refused() {
    let invalid = |detail: &str| (ErrorCode::InvalidField, detail.to_owned());
    let malformed = |detail: &str| (ErrorCode::Malformed, detail.to_owned());
    let good = r#"{"run_id":3,"name":"a","value":[1,2]}"#;
    let other = "is of another kind than those before it; send points and series in separate requests";
    for (body, expected) in [
        (
            r#"{"run_id":3,"name":"a","step":[1,2,3],"value":[1,2,3,4]}"#.to_owned(),
            invalid(
                "step: has 3 items, value has 4; send arrays of the same length, or one step for all points",
            ),
        ),
        (
            format!(r#"[{good},{{"run_id":3,"name":"a","value":[1],"metadata":[]}}]"#),
            invalid(
                "metadata: has 0 items, value has 1; send arrays of the same length, or one metadata for all points \
                 (series at index 1)",
            ),
        ),
        (r#"{"step":[1,2]}"#.to_owned(), invalid("value: missing; every metric needs one")),
        (
            r#"{"step":[1],"value":1}"#.to_owned(),
            invalid("value: must be an array, one value for each point"),
        ),
        (r#"{"value":[1],"step":1.5}"#.to_owned(), invalid("step: must be a whole number, not \"1.5\"")),
        (
            format!(r#"[{good},{{"run_id":3,"nmae":"a","value":[1]}}]"#),
            (
                ErrorCode::UnknownField,
                "\"nmae\": unknown field; did you mean name? (series at index 1)".to_owned(),
            ),
        ),
        (format!("[{good},{GOOD}]"), malformed(&format!("body: the element at index 1 {other}"))),
        (format!("[{good},7]"), malformed(&format!("body: the element at index 1 {other}"))),
        (format!("[{GOOD},{GOOD},{good}]"), malformed(&format!("body: the element at index 2 {other}"))),
        (
            format!(r#"[{{"value":1,"x":NaN}},{good}]"#),
            malformed(&format!("body: the element at index 1 {other}")),
        ),
        (format!("{good} x"), malformed("body: not JSON (line 1, column 39): trailing characters")),
        (format!("[{good}"), malformed("body: not JSON (line 1, column 38): EOF while parsing a list")),
        (format!("{good},{good}"), malformed("body: not JSON (line 1, column 38): trailing characters")),
        (r#"{"value":[1,]}"#.to_owned(), malformed("body: not JSON (line 1, column 13): expected value")),
    ] {
        assert_eq!(refusal(&body), expected, "{body}");
    }
}

#[test]
fn series_of_a_request_share_the_limit_of_points() {
    let of = |count: usize| format!(r#"{{"run_id":3,"name":"a","value":[{}]}}"#, vec!["1"; count].join(","));
    let total: usize =
        series(&format!("[{},{}]", of(MAX_ARRAY_POINTS - 1), of(1))).iter().map(|s| s.points.len()).sum();
    assert_eq!(total, MAX_ARRAY_POINTS);
    for body in [of(MAX_ARRAY_POINTS + 1), format!("[{},{}]", of(MAX_ARRAY_POINTS), of(1))] {
        assert_eq!(refusal(&body).0, ErrorCode::PayloadTooLarge);
    }
    let empty = format!("[{}]", vec![of(0); MAX_ARRAY_POINTS + 1].join(","));
    assert_eq!(refusal(&empty).0, ErrorCode::PayloadTooLarge);
}

proptest! {
    #[test]
    fn the_fast_path_agrees_with_the_general_path(
        owner in prop_oneof![Just(r#""run_id":3"#), Just(r#""run_id":"3""#), Just(r#""pod_name":"w-0""#), Just(r#""run_id":0"#)],
        name in ".{0,4}",
        value in prop_oneof![Just("1.50"), Just("\"a\\nb\""), Just("\"NaN\""), Just("-0"), Just("true"), Just("null")],
        rest in prop::sample::subsequence(vec![
            r#""date":"2018-08-03 09:21:29""#, r#""date":1533288089"#, r#""cumulative":true"#, r#""cumulative":"False""#,
            r#""metadata":"a""#, r#""metadata":{"a": 1}"#, r#""step":-7"#, r#""step":"7""#, r#""step":+7"#, r#""epoch":1.5"#, r#""epoch":null"#,
        ], 0..6),
    ) {
        let mut body = format!(r#"{{{owner},"name":{},"value":{value}"#, serde_json::to_string(&name).unwrap());
        rest.iter().for_each(|field| { body.push(','); body.push_str(field); });
        body.push('}');
        let general = Fields::from_json(body.as_bytes()).and_then(NewMetric::from_fields);
        match (parse_point(body.as_bytes()), general) {
            (Ok(fast), Ok(general)) => prop_assert_eq!(fast, general),
            (Err(fast), Err(general)) => prop_assert_eq!(fast.code(), general.code()),
            other => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn a_series_stores_what_its_rows_would(
        items in prop::collection::vec((
            prop::sample::select(vec!["1.50", "\"a\\nb\"", "NaN", "-0", "true", "null", "0.1", "[1]", "123456789012345678", "1e-05"]),
            prop::sample::select(vec!["1", "null", "\"7\"", "1.5", "-3.0", "[]", "\"\""]),
            prop::sample::select(vec!["0.5", "null", "\"\"", "Infinity", "1e400", "{}"]),
            prop::sample::select(vec!["\"2018-08-03 09:21:29\"", "1533288089.25", "null", "\"x\"", "true"]),
            prop::sample::select(vec!["\"m\"", "{\"a\": 1}", "null", "7", "\"\\u00e9\""]),
        ), 0..6),
    ) {
        let column = |pick: fn(&Item) -> &'static str| items.iter().map(pick).collect::<Vec<_>>().join(", ");
        let body = format!(
            r#"{{"run_id":3,"name":"a","value":[{}],"step":[{}],"epoch":[{}],"date":[{}],"metadata":[{}]}}"#,
            column(|i| i.0), column(|i| i.1), column(|i| i.2), column(|i| i.3), column(|i| i.4),
        );
        let all = series(&body);
        let as_series = rows(&all[0]);
        prop_assert_eq!(as_series.len(), items.len());
        for ((value, step, epoch, date, metadata), from_series) in items.into_iter().zip(as_series) {
            let row = format!(
                r#"{{"run_id":3,"name":"a","value":{value},"step":{step},"epoch":{epoch},"date":{date},"metadata":{metadata}}}"#
            );
            let from_row = parse_point(row.as_bytes()).map(|metric| metric.at(NOW));
            match (from_row, from_series) {
                (Ok(row), Ok(series)) => prop_assert_eq!(row, series),
                (Err(row), Err(series)) => prop_assert_eq!(row.code(), series.code()),
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }

    #[test]
    fn a_truncated_series_is_refused(cut in 0..140_usize) {
        let body = r#"[{"run_id":3,"name":"a","value":[1.5,"b",null,NaN],"metadata":["{\"a\": 1}",{"b":[2]},"",""]},{"value":[]}]"#;
        let cut = cut % body.len();
        prop_assert!(parse_batch(&body.as_bytes()[..cut], NOW).is_err());
    }
}

type Item = (&'static str, &'static str, &'static str, &'static str, &'static str);
