//! Texts, examples and schemas as HTML.

use std::fmt::Write as _;

use serde_json::Value;

use super::schemas::MEANINGS;

/// Returns a text as HTML.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Returns a text as HTML, with code between backticks.
pub(super) fn prose(text: &str) -> String {
    let parts = escape(text);
    let parts = parts.split('`').enumerate();
    parts.map(|(i, part)| if i % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() }).collect()
}

/// Returns an example: JSON in several lines, and texts as they are.
pub(super) fn pretty(example: &Value) -> String {
    match example {
        Value::String(text) => escape(text),
        other => escape(&serde_json::to_string_pretty(other).unwrap_or_default()),
    }
}

/// Returns the type that a schema describes, in a few words.
pub(super) fn type_of(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return format!("<a href=\"#schema-{name}\">{name}</a>");
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(choices) = schema[key].as_array() {
            let types: Vec<String> = choices.iter().map(type_of).collect();
            return types.join(" or ");
        }
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<String> =
            words.iter().map(|word| format!("<code>{}</code>", escape(&word.to_string()))).collect();
        return words.join(", ");
    }
    if let Some(word) = schema.get("const") {
        return format!("<code>{}</code>", escape(&word.to_string()));
    }
    let names: Vec<&str> = match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => return prose(schema["description"].as_str().unwrap_or("anything")),
    };
    let names: Vec<String> = names.into_iter().map(|name| named(name, schema)).collect();
    names.join(" or ") + &bounds(schema)
}

fn named(name: &str, schema: &Value) -> String {
    match name {
        "array" if schema["items"].is_object() => format!("array of {}", type_of(&schema["items"])),
        "object" if schema["additionalProperties"].is_object() => {
            format!("object of {}", type_of(&schema["additionalProperties"]))
        }
        other => other.to_owned(),
    }
}

fn bounds(schema: &Value) -> String {
    let bound = |key: &str, sign: &str| schema.get(key).map(|bound| format!("{sign} {bound}"));
    let all = [
        bound("minimum", "≥"),
        bound("exclusiveMinimum", "&gt;"),
        bound("maximum", "≤"),
        bound("minLength", "length ≥"),
        bound("maxLength", "length ≤"),
        bound("maxItems", "items ≤"),
        bound("maxProperties", "members ≤"),
        schema["format"].as_str().filter(|format| format.contains("date")).map(str::to_owned),
    ];
    let all: Vec<String> = all.into_iter().flatten().collect();
    if all.is_empty() { String::new() } else { format!(" ({})", all.join(", ")) }
}

/// Returns the members of a schema as a table, or its type.
pub(super) fn fields(schema: &Value) -> String {
    let Some(properties) = schema["properties"].as_object() else {
        return format!("<p>{}</p>\n", variants(schema));
    };
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut out = String::from("<table>\n<tr><th>Member</th><th>Type</th><th>Meaning</th></tr>\n");
    for (name, property) in properties {
        let optional = if required.iter().any(|other| other == name) { "" } else { "<br>optional" };
        let description = prose(property["description"].as_str().unwrap_or_default());
        let kind = type_of(property);
        let _ = writeln!(
            out,
            "<tr><td><code>{name}</code>{optional}</td><td>{kind}</td><td>{description}</td></tr>"
        );
    }
    out + "</table>\n"
}

/// Returns the type of a schema, and what each of its words means.
fn variants(schema: &Value) -> String {
    let (Some(words), Some(meanings)) = (schema["enum"].as_array(), schema[MEANINGS].as_array()) else {
        return type_of(schema);
    };
    let meaning = |(word, meaning): (&Value, &Value)| {
        format!("<code>{}</code>: {}", escape(&word.to_string()), prose(meaning.as_str().unwrap_or_default()))
    };
    words.iter().zip(meanings).map(meaning).collect::<Vec<_>>().join("<br>\n")
}

#[test]
fn texts_cannot_become_markup() {
    assert_eq!(prose("a `<b>` & \"c\""), "a <code>&lt;b&gt;</code> &amp; &quot;c&quot;");
}
