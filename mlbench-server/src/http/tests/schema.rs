//! Checks JSON against the schemas of the description of the API.

use serde_json::Value;

/// Keywords that only describe, and patterns, which a test in Python checks.
const IGNORED: [&str; 9] = [
    "description",
    "format",
    "default",
    "pattern",
    "propertyNames",
    "readOnly",
    "if",
    "then",
    "x-enum-descriptions",
];

/// Returns what of a value does not fit to a schema, with its place.
pub(super) fn misfits(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    Checker { document, found: &mut found }.check(schema, value, "");
    found
}

struct Checker<'a> {
    document: &'a Value,
    found: &'a mut Vec<String>,
}

impl Checker<'_> {
    fn check(&mut self, schema: &Value, value: &Value, place: &str) {
        let Some(keywords) = schema.as_object() else { panic!("{place}: no schema: {schema}") };
        for (keyword, rule) in keywords {
            if !self.fits(schema, keyword, rule, value, place) {
                self.found.push(format!("{place}: {value} does not fit to {keyword} {rule}"));
            }
        }
    }

    fn fits(&mut self, schema: &Value, keyword: &str, rule: &Value, value: &Value, place: &str) -> bool {
        let is_valid = |schema: &Value| misfits(self.document, schema, value).is_empty();
        let number = |bound: &Value| (value.as_f64(), bound.as_f64().unwrap());
        let length = value.as_str().map(|text| text.chars().count() as u64);
        match keyword {
            "$ref" => {
                let target = rule.as_str().and_then(|path| self.document.pointer(path.strip_prefix('#')?));
                self.check(target.unwrap_or_else(|| panic!("{rule} leads nowhere")), value, place);
            }
            "type" => return one_or_many(rule).any(|name| is_of_type(name, value)),
            "enum" => return rule.as_array().unwrap().contains(value),
            "const" => return rule == value,
            "allOf" => rule.as_array().unwrap().iter().for_each(|each| self.check(each, value, place)),
            "anyOf" => return rule.as_array().unwrap().iter().any(is_valid),
            "oneOf" => return rule.as_array().unwrap().iter().filter(|each| is_valid(each)).count() == 1,
            "not" => return !is_valid(rule),
            "minimum" => return number(rule).0.is_none_or(|number| number >= rule.as_f64().unwrap()),
            "maximum" => return number(rule).0.is_none_or(|number| number <= rule.as_f64().unwrap()),
            "exclusiveMinimum" => return number(rule).0.is_none_or(|number| number > rule.as_f64().unwrap()),
            "minLength" => return length.is_none_or(|length| length >= rule.as_u64().unwrap()),
            "maxLength" => return length.is_none_or(|length| length <= rule.as_u64().unwrap()),
            "maxItems" => {
                return value.as_array().is_none_or(|all| all.len() as u64 <= rule.as_u64().unwrap());
            }
            "maxProperties" => {
                return value.as_object().is_none_or(|all| all.len() as u64 <= rule.as_u64().unwrap());
            }
            "items" => {
                for (i, item) in value.as_array().into_iter().flatten().enumerate() {
                    self.check(rule, item, &format!("{place}/{i}"));
                }
            }
            "required" => {
                let names = rule.as_array().unwrap().iter().map(|name| name.as_str().unwrap());
                return value
                    .as_object()
                    .is_none_or(|members| names.into_iter().all(|name| members.contains_key(name)));
            }
            "properties" => {
                for (name, of_member) in rule.as_object().unwrap() {
                    if let Some(member) = value.get(name) {
                        self.check(of_member, member, &format!("{place}/{name}"));
                    }
                }
            }
            "additionalProperties" | "patternProperties" => {
                return self.others(schema, keyword, rule, value, place);
            }
            other => assert!(IGNORED.contains(&other) || other == "else", "{place}: unknown keyword {other}"),
        }
        true
    }

    /// Checks the members that the schema does not name.
    fn others(&mut self, schema: &Value, keyword: &str, rule: &Value, value: &Value, place: &str) -> bool {
        let by_pattern = schema.get("patternProperties").is_some();
        let rule = match keyword {
            // The names of the wire types with patterns are numbers.
            "patternProperties" => rule.as_object().unwrap().values().next().unwrap(),
            _ if by_pattern => return true,
            _ => rule,
        };
        for (name, member) in value.as_object().into_iter().flatten() {
            if schema["properties"].get(name).is_some() {
                continue;
            }
            if rule == false {
                return false;
            }
            self.check(rule, member, &format!("{place}/{name}"));
        }
        true
    }
}

fn one_or_many(names: &Value) -> impl Iterator<Item = &str> {
    let many = names.as_array().map(Vec::as_slice).unwrap_or_default();
    names.as_str().into_iter().chain(many.iter().filter_map(Value::as_str))
}

fn is_of_type(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        other => panic!("unknown type {other}"),
    }
}
