//! Fields of bodies, and parameters of queries: each as JSON, and as the text of a form or a query.

use serde_json::{Value, json};

pub(super) const POD_NAME: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";

/// A field of a request.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) is_required: bool,
    /// Whether a query may have it without a value, which counts as absent.
    pub(super) may_be_empty: bool,
    pub(super) json: Value,
    pub(super) text: Value,
}

impl Field {
    pub(super) fn new(name: &'static str, json: Value, text: Value, description: &'static str) -> Self {
        Self { name, description, is_required: false, may_be_empty: false, json, text }
    }

    pub(super) fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    pub(super) fn or_empty(self) -> Self {
        Self { may_be_empty: true, ..self }
    }

    /// A text of at most `max` characters.
    pub(super) fn text(name: &'static str, max: usize, description: &'static str) -> Self {
        let json = json!({"type": ["string", "null"], "maxLength": max});
        Self::new(name, json, json!({"type": "string", "maxLength": max}), description)
    }

    /// A text of any length.
    pub(super) fn any_text(name: &'static str, description: &'static str) -> Self {
        Self::new(name, json!({"type": ["string", "null"]}), json!({"type": "string"}), description)
    }

    /// A whole number, in JSON also as a text.
    pub(super) fn whole(name: &'static str, min: i64, max: i64, description: &'static str) -> Self {
        let digits = max.to_string().len() - 1;
        let sign = if min < 0 { "-?" } else { "" };
        let first = if min == 1 { "[1-9][0-9]" } else { "[0-9]" };
        let most = if min == 1 { digits.max(1) - 1 } else { digits.max(1) };
        let least = if min == 1 { "0," } else { "1," };
        let pattern = format!("^({sign}{first}{{{least}{most}}})?$");
        let json = json!({
            "type": ["integer", "string", "null"], "minimum": min, "maximum": max, "pattern": pattern,
        });
        Self::new(name, json, json!({"type": "integer", "minimum": min, "maximum": max}), description)
            .or_empty()
    }

    /// A whole number of at least `min`, however large.
    pub(super) fn count(name: &'static str, min: u32, description: &'static str) -> Self {
        let schema = json!({"type": "integer", "minimum": min});
        Self::new(name, schema.clone(), schema, description).or_empty()
    }

    /// A number above 0, in JSON also as a text.
    pub(super) fn positive(name: &'static str, description: &'static str) -> Self {
        let json = json!({
            "type": ["number", "string", "null"],
            "exclusiveMinimum": 0,
            "pattern": r"^([1-9][0-9]{0,8}(\.[0-9]{1,9})?)?$",
        });
        Self::new(name, json, json!({"type": "number", "exclusiveMinimum": 0}), description)
    }

    /// Any finite number, in JSON also as a text.
    pub(super) fn finite(name: &'static str, description: &'static str) -> Self {
        let json = json!({
            "type": ["number", "string", "null"],
            "pattern": r"^(-?[0-9]{1,9}(\.[0-9]{1,9})?)?$",
        });
        Self::new(name, json, json!({"type": "number"}), description).or_empty()
    }

    /// A boolean, also as Python and HTML forms spell it.
    pub(super) fn boolean(name: &'static str, description: &'static str) -> Self {
        // No `enum`: generators of clients turn words that differ only in case into one constant.
        let text = json!({"type": "string", "pattern": "^(true|false|True|False|1|0)?$"});
        let number = json!({"type": "integer", "minimum": 0, "maximum": 1});
        let json = json!({"anyOf": [{"type": "boolean"}, number, text, {"type": "null"}]});
        Self::new(name, json, text, description)
    }

    /// A date, also as seconds since 1970.
    pub(super) fn date(name: &'static str, description: &'static str) -> Self {
        let date =
            json!({"type": "string", "format": "date-time", "pattern": "^(19[7-9][0-9]|[2-9][0-9]{3})-"});
        let seconds = json!({"type": "number", "minimum": 0, "maximum": 253_402_300_799_i64});
        let digits = json!({"type": "string", "pattern": r"^[0-9]{1,11}(\.[0-9]{1,9})?$"});
        let json = json!({"anyOf": [date, digits, seconds, {"type": "null"}]});
        Self::new(name, json, json!({"anyOf": [date, seconds]}), description)
    }

    /// One of a few words.
    pub(super) fn word(name: &'static str, words: &[&str], description: &'static str) -> Self {
        let json: Vec<Option<&str>> = words.iter().copied().map(Some).chain([None]).collect();
        Self::new(name, json!({"enum": json}), json!({"type": "string", "enum": words}), description)
    }

    /// A JSON object with names of this pattern, in a form `NAME=VALUE` for each member.
    pub(super) fn pairs(
        name: &'static str,
        key: &str,
        value: &Value,
        max: usize,
        description: &'static str,
    ) -> Self {
        let json = json!({
            "type": ["object", "null"],
            "additionalProperties": value,
            "propertyNames": {"pattern": format!("^{key}$")},
            "maxProperties": max,
        });
        let item = match value["type"].as_str() {
            Some("integer") => json!({"type": "string", "pattern": format!("^({key}=-?[0-9]{{1,9}})?$")}),
            _ if value.get("pattern").is_some() => {
                json!({"type": "string", "pattern": format!(r"^({key}=[^\u0000]*)?$")})
            }
            _ => json!({"type": "string", "pattern": format!("^({key}=|$)")}),
        };
        Self::new(name, json, json!({"type": "array", "items": item}), description)
    }

    fn described(&self, schema: &Value) -> Value {
        let mut schema = schema.clone();
        schema["description"] = self.description.into();
        schema
    }

    /// Returns the schema of the field as a column: an array of items, or one of them for all.
    pub(super) fn column(&self) -> Value {
        json!({"anyOf": [{"type": "array", "items": {}}, self.json], "description": self.description})
    }

    /// Returns the field as a parameter of a query.
    pub(super) fn parameter(&self) -> Value {
        let mut parameter = json!({
            "name": self.name,
            "in": "query",
            "required": self.is_required,
            "description": self.description,
            "schema": self.text,
        });
        if self.may_be_empty {
            parameter["allowEmptyValue"] = true.into();
        }
        parameter
    }
}

/// Returns the schema of a JSON object with these fields.
pub(super) fn object(fields: &[Field]) -> Value {
    schema(fields, |field| field.described(&field.json))
}

/// Returns the schema of a form with these fields.
pub(super) fn form(fields: &[Field]) -> Value {
    schema(fields, |field| field.described(&field.text))
}

fn schema(fields: &[Field], of: impl Fn(&Field) -> Value) -> Value {
    let properties = fields.iter().map(|field| (field.name.to_owned(), of(field)));
    let properties = properties.collect::<serde_json::Map<_, _>>();
    let required: Vec<&str> =
        fields.iter().filter(|field| field.is_required).map(|field| field.name).collect();
    let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    schema
}
