//! The schemas of responses, from the wire types, and of bodies.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::{field, requests};
use crate::api::{
    BatchResult, Comparison, LogPage, Metric, NewLines, NewPoints, Pod, PodList, PointRecord, Problem,
    Resync, Run, RunValuesPage, RunsChanged, Series, Session, StreamOpen,
};
use crate::downsample::minmax::Bucket;

const PATH: &str = "#/components/schemas/";

/// Returns a reference to a schema.
pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("{PATH}{name}")})
}

/// Returns every schema by name.
pub(super) fn all() -> Map<String, Value> {
    let mut schemas = of_wire_types();
    let points = json!({"anyOf": [reference("PointRecord"), reference("Bucket")]});
    let points = json!({
        "description": "Points, or buckets with `downsample=minmax`, by name of the metric.",
        "type": "object",
        "additionalProperties": {"type": "array", "items": points},
    });
    let by_owner = json!({
        "description": "Points by pod name or run id, then by name of the metric.",
        "type": "object",
        "additionalProperties": reference("PointsByMetric"),
    });
    let mut metric = field::object(&requests::metric());
    metric["allOf"] = requests::one_owner();
    let mut run = field::object(&requests::run());
    run["allOf"] = requests::run_rules();
    let mut patch = field::object(&requests::patch());
    patch["allOf"] = requests::patch_rules(&json!({"type": "object", "minProperties": 1}));
    let health =
        json!({"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]});
    let accepted =
        json!({"type": "object", "properties": {"accepted": {"type": "integer"}}, "required": ["accepted"]});
    for (name, schema) in [
        ("PointsByMetric", points),
        ("PointsByOwner", by_owner),
        ("Health", health),
        ("NewMetric", metric),
        ("NewSeries", requests::series()),
        ("NewRun", run),
        ("RunPatch", patch),
        ("NewLogLines", field::object(&requests::lines())),
        ("AcceptedLines", accepted),
        ("SignIn", field::object(&requests::sign_in())),
    ] {
        schemas.insert(name.to_owned(), schema);
    }
    schemas
}

/// Returns the schema of a stream of events: the text, or an event as most clients parse it.
pub(super) fn event_stream() -> Value {
    let events = [
        ("open", "StreamOpen"),
        ("runs", "RunsChanged"),
        ("pods", "PodList"),
        ("points", "NewPoints"),
        ("logs", "NewLines"),
        ("resync", "Resync"),
    ];
    let event = |(name, schema): (&str, &str)| {
        let data = json!({"type": "string", "contentMediaType": "application/json", "contentSchema": reference(schema)});
        json!({
            "type": "object",
            "properties": {
                "event": {"const": name},
                "data": data,
                "id": {"type": "string", "pattern": "^[0-9]{1,18}$"},
                "retry": {"type": "integer"},
            },
            "required": ["event", "data"],
            "additionalProperties": false,
        })
    };
    let text = json!({"description": "The events as text.", "type": "string"});
    let all: Vec<Value> = std::iter::once(text).chain(events.map(event)).collect();
    json!({"description": "Server-sent events.", "anyOf": all})
}

fn of_wire_types() -> Map<String, Value> {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.definitions_path = PATH[1..].into());
    let mut generator = settings.for_serialize().into_generator();
    fn add<T: JsonSchema>(generator: &mut SchemaGenerator) {
        generator.subschema_for::<T>();
    }
    macro_rules! add {
        ($($name:ty),+ $(,)?) => { $( add::<$name>(&mut generator); )+ };
    }
    add!(BatchResult, Bucket, Comparison, LogPage, Metric, Pod, PointRecord, Problem, Run, RunValuesPage);
    add!(Series, Session, StreamOpen, RunsChanged, PodList, NewPoints, NewLines, Resync);
    let mut schemas = generator.take_definitions(true);
    schemas.values_mut().for_each(plain);
    schemas.values_mut().for_each(words);
    schemas
}

/// The meaning of each word of an `enum`, in its order, as several generators of clients read it.
pub(super) const MEANINGS: &str = "x-enum-descriptions";

/// Turns a choice between words into an `enum`, of which generators of clients make one type.
fn words(schema: &mut Value) {
    let Some(choices) = schema["oneOf"].as_array() else { return };
    let of =
        |key: &str| choices.iter().map(|choice| choice.get(key).cloned()).collect::<Option<Vec<Value>>>();
    if let (Some(words), Some(meanings)) = (of("const"), of("description")) {
        let description = schema["description"].take();
        *schema = json!({"type": "string", "enum": words, MEANINGS: meanings, "description": description});
    }
}

/// Replaces what only Rust's documentation has: links, and `None` for `null`. Keeps the first paragraph.
fn plain(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(text)) = members.get_mut("description") {
                *text = plain_text(text);
            }
            members.remove("$schema");
            members.values_mut().for_each(plain);
        }
        Value::Array(items) => items.iter_mut().for_each(plain),
        _ => {}
    }
}

fn plain_text(docs: &str) -> String {
    let paragraph =
        docs.split("\n\n").next().unwrap_or_default().replace('\n', " ").replace("`None`", "`null`");
    let mut text = String::new();
    let mut rest = paragraph.as_str();
    while let Some((before, link)) = rest.split_once("[`") {
        let (name, after) = link.split_once("`]").unwrap_or((link, ""));
        text.push_str(before);
        text.push_str(&format!("`{}`", name.rsplit("::").next().unwrap_or(name)));
        rest = match after.strip_prefix('(').and_then(|target| target.split_once(')')) {
            Some((_, rest)) => rest,
            None => after,
        };
    }
    text + rest
}

#[test]
fn descriptions_have_no_links_of_rust() {
    let docs = "The first [`BatchResult::MAX_LISTED`] points of [`a`](Self::a) or `None`,\nif any.\n\nMore.";
    assert_eq!(plain_text(docs), "The first `MAX_LISTED` points of `a` or `null`, if any.");
}
