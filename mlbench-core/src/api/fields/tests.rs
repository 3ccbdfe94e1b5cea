use super::*;
use crate::api::field_value::MAX_FIELDS;

fn json(body: &str) -> Fields {
    Fields::from_json(body.as_bytes()).unwrap()
}

#[test]
fn broken_json_is_refused_with_line_and_column() {
    let error = Fields::from_json(b"{\n  \"name\": oops}").unwrap_err();
    assert_eq!(error.code(), ErrorCode::Malformed);
    assert_eq!(error.detail(), "body: not a JSON object (line 2, column 11): expected value");
    assert!(Fields::from_json(b"[1]").unwrap_err().detail().contains("expected an object"));
    assert!(Fields::from_json(b"  ").unwrap_err().detail().contains("empty"));
    assert!(Fields::from_json(b"{} x").is_err());
}

#[test]
fn numbers_keep_their_text() {
    assert_eq!(json(r#"{"value": 1.50}"#).text_or_number("value").unwrap().unwrap(), "1.50");
    assert_eq!(json(r#"{"value": "NaN"}"#).text_or_number("value").unwrap().unwrap(), "NaN");
    let refused = json(r#"{"value": {"a": 1}}"#).text_or_number("value").unwrap_err();
    assert_eq!(refused.detail(), "value: must be a string or a number, not an object");
}

#[test]
fn booleans_are_accepted_in_every_format() {
    let spellings = [
        (r#"{"b":true}"#, true),
        (r#"{"b":"False"}"#, false),
        (r#"{"b":1}"#, true),
        (r#"{"b":1.0}"#, true),
        (r#"{"b":0.0}"#, false),
    ];
    for (body, expected) in spellings {
        assert_eq!(json(body).boolean("b").unwrap(), Some(expected), "{body}");
    }
    assert_eq!(
        json(r#"{"b":"yes"}"#).boolean("b").unwrap_err().detail(),
        "b: must be true or false, not \"yes\""
    );
    assert!(json(r#"{"b":2}"#).boolean("b").is_err());
}

#[test]
fn numbers_out_of_range_are_refused_with_the_range() {
    let refusal = |body: &str| json(body).integer("last_n", 1, u32::MAX).unwrap_err().detail().to_owned();
    assert_eq!(refusal(r#"{"last_n":-3}"#), "last_n: must be a whole number of at least 1, not \"-3\"");
    assert!(refusal(r#"{"last_n":1e-3}"#).contains("whole number"));
    for large in ["5000000000", "1e300"] {
        let refused = refusal(&format!(r#"{{"last_n":{large}}}"#));
        let expected = format!("last_n: must be a whole number from 1 to 4294967295, not \"{large}\"");
        assert_eq!(refused, expected);
        assert_eq!(json(&format!(r#"{{"a":{large}}}"#)).count("a", 1).unwrap(), Some(u32::MAX));
    }
    let date = json(r#"{"a":1e300}"#).parsed::<crate::time::Timestamp>("a").unwrap_err();
    assert_eq!(date.detail(), "a: \"1e300\" is outside the years 1970 to 9999");
    assert!(json(r#"{"a":0}"#).count("a", 1).is_err());
    assert_eq!(json(r#"{"a":2.0}"#).count("a", 1).unwrap(), Some(2));
    assert!(json(r#"{"num_cpus":0}"#).positive("num_cpus").is_err());
    assert!(json(r#"{"num_cpus":"nan"}"#).positive("num_cpus").is_err());
}

#[test]
fn numbers_are_read_by_their_value() {
    for text in ["100", "100.0", "1e2", "1.00e+2", r#""100.0""#] {
        let mut fields = json(&format!(r#"{{"a":{text},"b":{text},"c":{text}}}"#));
        assert_eq!(fields.integer("a", 1, 100).unwrap(), Some(100), "{text}");
        assert_eq!(fields.signed_integer("b").unwrap(), Some(100), "{text}");
        assert_eq!(fields.sequence("c").unwrap(), Some(100), "{text}");
    }
    assert_eq!(json(r#"{"a":1e30}"#).sequence("a").unwrap(), Some(i64::MAX));
    assert!(json(r#"{"a":-1.0}"#).sequence("a").is_err());
    assert!(json(r#"{"a":100.5}"#).integer("a", 1, 100).is_err());
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let mut fields = Fields::from_json(b"\xEF\xBB\xBF {\"a\":\"x\"}").unwrap();
    assert_eq!(fields.text("a").unwrap().unwrap(), "x");
    assert!(Fields::from_json(b"\xEF\xBB\xBF").unwrap_err().detail().contains("empty"));
    assert!(Fields::from_json(b"{\xEF\xBB\xBF}").is_err(), "in the middle");
}

#[test]
fn a_lone_surrogate_is_named() {
    let named = r"a: has the lone surrogate \ud83d; send both halves of the pair, or \ufffd";
    for text in [r"\ud83d", r"x \\\ud83d!", r"\ude00\ud83d"] {
        let found = json(&format!(r#"{{"a":"{text}"}}"#)).text("a").unwrap_err();
        let expected =
            if text.starts_with(r"\ude") { named.replace("d83d", "de00") } else { named.to_owned() };
        assert_eq!(found.detail(), expected);
    }
    assert_eq!(json(r#"{"a":"\ud83d\ude00 \\ud83d"}"#).text("a").unwrap().unwrap(), "\u{1f600} \\ud83d");
    let read = |field: &str| json(&format!(r#"{{"a":{field}}}"#));
    let pairs = |text: &str| Err(Error::invalid("a", text));
    let refusals = [
        read(r#"{"\ud83d":"b"}"#).pairs("a", pairs).unwrap_err(),
        read(r#""\ud83d""#).integer("a", 1, 9).unwrap_err(),
        read(r#""\ud83d""#).count("a", 1).unwrap_err(),
        read(r#""\ud83d""#).signed_integer("a").unwrap_err(),
        read(r#""\ud83d""#).sequence("a").unwrap_err(),
        read(r#""\ud83d""#).boolean("a").unwrap_err(),
        read(r#""\ud83d""#).finite("a").unwrap_err(),
        read(r#""\ud83d""#).positive("a").unwrap_err(),
    ];
    for refusal in refusals {
        assert_eq!(refusal.detail(), named);
    }
    let name = Fields::from_json(br#"{"\ud83d":1}"#).unwrap_err();
    let expected = r"has the lone surrogate \ud83d; send both halves of the pair, or \ufffd";
    assert!(name.detail().ends_with(expected), "{name}");
}

#[test]
fn a_message_repeats_at_most_200_characters() {
    let long = "x".repeat(9 << 20);
    let fields = || json(&format!(r#"{{"a":"{long}"}}"#));
    let refusals = [
        fields().boolean("a").unwrap_err(),
        fields().integer("a", 0, 9).unwrap_err(),
        fields().signed_integer("a").unwrap_err(),
        fields().positive("a").unwrap_err(),
        fields().parsed::<crate::time::Timestamp>("a").unwrap_err(),
        fields().parsed::<crate::name::RunId>("a").unwrap_err(),
        fields().one_of("a", &[("b", 1)]).unwrap_err(),
        json(&format!(r#"{{"{long}":1}}"#)).finish().unwrap_err(),
    ];
    for error in refusals {
        assert!(error.detail().contains("xxx\"… (9437184 characters)"), "{error}");
        assert!(error.detail().len() < 400, "{error}");
    }
    let body = Fields::from_json(format!("\"{long}\"").as_bytes()).unwrap_err();
    assert!(body.detail().len() < 400 && body.detail().contains("characters)"), "{body}");
}

#[test]
fn unknown_fields_are_refused_with_a_suggestion() {
    let mut fields = json(r#"{"nmae": "x", "_": 1, "csrfmiddlewaretoken": "y"}"#);
    assert!(fields.text("name").unwrap().is_none() && fields.text("backend").unwrap().is_none());
    let error = fields.finish().unwrap_err();
    assert_eq!(error.code(), ErrorCode::UnknownField);
    assert_eq!(error.detail(), "\"nmae\": unknown field; did you mean name?");
}

#[test]
fn too_many_members_are_refused() {
    let object = |members: usize| format!("{{{}}}", vec![r#""":0"#; members].join(","));
    assert!(Fields::from_json(object(MAX_FIELDS).as_bytes()).is_ok());
    let error = Fields::from_json(object(MAX_FIELDS + 1).as_bytes()).unwrap_err();
    assert!(error.code() == ErrorCode::Malformed && error.detail().contains("more than 10000"), "{error}");
    let mut nested = json(&format!(r#"{{"environment":{}}}"#, object(MAX_FIELDS + 1)));
    let error = nested.pairs("environment", |_| Err(Error::invalid("environment", ""))).unwrap_err();
    assert_eq!(error.detail(), "environment: more than 10000 members");
}

#[test]
fn repeated_fields_are_taken_in_order() {
    let pairs = [("a", "1"), ("b", "2"), ("a", "3")].map(|(key, text)| (key.to_owned(), text.to_owned()));
    let mut fields = Fields::from_pairs(pairs);
    assert_eq!(fields.repeated("a").unwrap(), ["1", "3"]);
    assert_eq!(fields.repeated("a").unwrap(), [""; 0]);
    assert_eq!(fields.finish().unwrap_err().code(), ErrorCode::UnknownField);
    assert!(json(r#"{"a":1}"#).repeated("a").is_err());
}

#[test]
fn the_last_of_a_repeated_field_counts_and_null_is_absent() {
    assert_eq!(json(r#"{"a":"1","a":"2"}"#).text("a").unwrap().unwrap(), "2");
    assert_eq!(json(r#"{"a":null}"#).text("a").unwrap(), None);
}
