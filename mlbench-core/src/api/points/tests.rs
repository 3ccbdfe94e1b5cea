use proptest::prelude::*;

use super::{MAX_ARRAY_POINTS, parse_point, parse_points};
use crate::api::fields::Fields;
use crate::api::new_metric::NewMetric;
use crate::error::{Error, ErrorCode, Result};

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
        r#"{"run_id":"1e3","name":"a","value":1}"#,
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
        (GOOD, "(line 1, column 0): invalid type: map, expected an array of points"),
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
}
