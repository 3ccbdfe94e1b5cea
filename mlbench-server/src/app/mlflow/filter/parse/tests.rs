use std::borrow::Cow;

use proptest::prelude::*;

use super::super::condition::{Found, Subject};
use super::*;

const ATTRIBUTES: [Attribute; 2] = [
    Attribute { name: "status", alias: "", number: false },
    Attribute { name: "start_time", alias: "created", number: true },
];

/// A run with the metrics `x` and `val loss`, a parameter, a tag and attributes.
struct Sample;

impl Subject for Sample {
    fn find(&self, key: &Key) -> Option<Found<'_>> {
        let text = |text| Some(Found::Text(Cow::Borrowed(text)));
        match key {
            Key::Metric(name) if name == "x" => Some(Found::Number(0.5)),
            Key::Metric(name) if name == "val loss" => Some(Found::Number(f64::NAN)),
            Key::Param(name) if name == "y" => text("a"),
            Key::Tag(name) if name == "mlflow.source/name" => text("Train.py"),
            Key::Attribute("status") => text("FINISHED"),
            Key::Attribute("start_time") => Some(Found::Number(1_000.0)),
            _ => None,
        }
    }
}

fn selects(filter: &str) -> bool {
    parse_filter(filter, &ATTRIBUTES).unwrap_or_else(|error| panic!("{filter}: {error}")).selects(&Sample)
}

fn refusal(filter: &str) -> String {
    parse_filter(filter, &ATTRIBUTES).unwrap_err().detail().to_owned()
}

#[test]
fn conditions_hold_as_mlflow_documents_them() {
    for (filter, expected) in [
        ("", true),
        ("metrics.x > 0.4", true),
        ("metrics.x >= 0.5 and params.y = 'a' and tags.`mlflow.source/name` LIKE 'Train%'", true),
        ("metric.x<.5", false),
        ("metrics.x != 0.5", false),
        ("metrics.\"val loss\" > -1", false),
        ("metrics.unknown != 1", false),
        ("params.y != 'b'", true),
        ("params.y=\"a\"", true),
        ("param.unknown != 'b'", false),
        ("params.unknown IS NULL", true),
        ("params.y is not null", true),
        ("params.y IN ('b', 'a')", true),
        ("params.y NOT IN ('b','a')", false),
        ("tags.mlflow.source/name LIKE 'train%'", false),
        ("tags.mlflow.source/name ILIKE 'train%'", true),
        ("tags.mlflow.source/name ILIKE 'TRAIN%'", true),
        ("attributes.status = 'FINISHED'", true),
        ("status = 'RUNNING'", false),
        ("attribute.Created > 999 AND attr.start_time <= 1000", true),
    ] {
        assert_eq!(selects(filter), expected, "{filter}");
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    assert_eq!(refusal("metrics.x > 'a'"), "filter: compare metric \"x\" with a number");
    assert_eq!(refusal("params.y = a"), "filter: put the text \"a\" in single quotes");
    assert_eq!(refusal("metrics.x"), "filter: ends within a condition; complete it");
    assert!(refusal("params.y = 'a' OR params.y = 'b'").starts_with("filter: OR is not supported; "));
    assert!(refusal("params.y > 'a'").starts_with("filter: cannot read \">\"; write conditions such as"));
    assert!(refusal("color = 'red'").starts_with("filter: \"color\" is no attribute; use metrics.X"));
    for hostile in ["(", "a.b.c = ", "params.y IN ()", "params.y IN ('a'", "' ' = ' '", "AND", "params.y 'a'"]
    {
        assert!(refusal(hostile).starts_with("filter: "), "{hostile}");
    }
    assert!(selects(&format!("params.y LIKE 'a{}'", "%".repeat(499))));
    let long = format!("params.y ILIKE '{}'", "%".repeat(501));
    assert_eq!(refusal(&long), "filter: patterns have 501 characters together; use at most 500");
    let several = vec![format!("params.y LIKE '{}'", "%".repeat(300)); 2].join(" and ");
    assert_eq!(refusal(&several), "filter: patterns have 600 characters together; use at most 500");
    let many = vec!["params.y='a'"; 1_001].join(" and ");
    assert_eq!(refusal(&many), "filter: has more than 1000 conditions");
}

#[test]
fn an_order_has_a_key_and_a_direction() {
    let order = |text: &str| parse_orders(&[text], &ATTRIBUTES).map(|mut orders| orders.remove(0));
    let expected = Order { key: Key::Metric("val loss".to_owned()), descending: true };
    assert_eq!(order("metrics.`val loss` desc").unwrap(), expected);
    let expected = Order { key: Key::Attribute("start_time"), descending: false };
    assert_eq!(order("created").unwrap(), expected);
    assert_eq!(order("attributes.start_time ASC").unwrap(), expected);
    for text in ["", "metrics.x up", "metrics.x DESC DESC", "x"] {
        assert!(order(text).unwrap_err().detail().starts_with("order_by: "), "{text}");
    }
    assert_eq!(parse_orders(&["created"; 20], &ATTRIBUTES).unwrap().len(), 20);
    let refusal = parse_orders(&["created"; 21], &ATTRIBUTES).unwrap_err();
    assert_eq!(refusal.detail(), "order_by: has 21 keys; use at most 20");
}

proptest! {
    #[test]
    fn no_text_panics(text in "[a-z.'\"`<>=!(), %_NULINOT0-9]{0,60}") {
        let _ = parse_filter(&text, &ATTRIBUTES);
        let _ = parse_orders(&[&text], &ATTRIBUTES);
    }
}
