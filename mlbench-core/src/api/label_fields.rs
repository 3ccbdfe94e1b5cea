//! Reads parameters and tags from the fields of a request.

use super::field_value::{FieldValue, kind, member_text, why_not_text};
use super::fields::{Fields, Member};
use crate::error::{Error, Result};
use crate::labels::{ParamValue, Params, Tags, TagsPatch};
use crate::quote::quote;

/// Takes the field `params`: a JSON object of texts, numbers and booleans, or `params=NAME=VALUE` for each.
///
/// # Errors
/// [`InvalidField`](crate::error::ErrorCode::InvalidField) naming the parameter.
pub(super) fn params(fields: &mut Fields) -> Result<Params> {
    let members = fields.members("params")?.into_iter().map(|member| match member {
        Member::Named(name, value) => param_value(&name, value).map(|value| (name, value)),
        Member::Text(text) => Params::parse_one(&text),
    });
    Params::new(members.collect::<Result<Vec<_>>>()?)
}

/// Takes the field `tags`: a JSON object of texts, or `tags=NAME=VALUE` for each.
///
/// # Errors
/// [`InvalidField`](crate::error::ErrorCode::InvalidField) naming the tag.
pub(super) fn tags(fields: &mut Fields) -> Result<Tags> {
    Tags::new(fields.pairs("tags", Tags::parse_one)?)
}

/// Takes changes of tags: those of [`tags`], and in JSON `null` for a tag to remove.
///
/// # Errors
/// [`InvalidField`](crate::error::ErrorCode::InvalidField) naming the tag.
pub(super) fn tags_patch(fields: &mut Fields) -> Result<TagsPatch> {
    let members = fields.members("tags")?.into_iter().map(|member| match member {
        Member::Named(name, value) if value.is_null() => Ok((name, None)),
        Member::Named(name, value) => member_text("tags", &name, value).map(|text| (name, Some(text))),
        Member::Text(text) => Tags::parse_one(&text).map(|(name, text)| (name, Some(text))),
    });
    TagsPatch::new(members.collect::<Result<Vec<_>>>()?)
}

fn param_value(name: &str, value: FieldValue) -> Result<ParamValue> {
    let raw = match value {
        FieldValue::Text(text) => return Ok(ParamValue::parse(&text)),
        FieldValue::Json(raw) => raw,
    };
    serde_json::from_str(raw.get()).map_err(|_| {
        let why = match kind(&raw) {
            "a number" => "is too large for a number; send it as a text".to_owned(),
            _ => why_not_text("a string, a number or a boolean", &raw),
        };
        Error::invalid("params", format_args!("{} {why}", quote(name)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(body: &str) -> Fields {
        Fields::from_json(body.as_bytes()).unwrap()
    }

    fn form(pairs: &[(&str, &str)]) -> Fields {
        Fields::from_pairs(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn parameters_are_an_object_or_repeated_pairs() {
        let object = params(&mut json(r#"{"params":{"lr":0.1,"aug":true,"opt":"adam","id":"7"}}"#)).unwrap();
        let pairs = ["lr=1e-1", "aug=true", "opt=adam", "id=\"7\"", ""].map(|text| ("params", text));
        assert_eq!(params(&mut form(&pairs)).unwrap(), object);
        assert!(params(&mut json(r#"{"params":null}"#)).unwrap().is_empty());
        assert_eq!(params(&mut json(r#"{"params":{"x":NaN}}"#)).unwrap().get("x"), Some(&"NaN".into()));
    }

    #[test]
    fn a_value_of_another_kind_is_refused_with_its_name() {
        let refusal = |json_value: &str| {
            let body = format!(r#"{{"params":{json_value}}}"#);
            params(&mut json(&body)).unwrap_err().detail().to_owned()
        };
        let rule = r#"params: "a" must be a string, a number or a boolean, not"#;
        assert_eq!(refusal(r#"{"a":null}"#), format!("{rule} null"));
        assert_eq!(refusal(r#"{"a":[1]}"#), format!("{rule} an array"));
        assert_eq!(refusal(r#"{"a":{}}"#), format!("{rule} an object"));
        assert_eq!(refusal(r#"{"a":1e999}"#), r#"params: "a" is too large for a number; send it as a text"#);
        assert!(refusal(r#"{"a":"\ud800"}"#).starts_with(r#"params: "a" has the lone surrogate"#));
        assert_eq!(refusal(r#"{"a":1,"a":1}"#), r#"params: "a" is there twice; remove one"#);
        assert_eq!(refusal("[1]"), "params: must be an object, not an array");
    }

    #[test]
    fn tags_are_texts_and_null_removes_one() {
        let read = |body: &str| tags(&mut json(body)).map_err(|error| error.detail().to_owned());
        assert_eq!(
            read(r#"{"tags":{"a":1}}"#),
            Err(r#"tags: "a" must be a string, not a number"#.to_owned())
        );
        assert_eq!(read(r#"{"tags":{"a":null}}"#), Err(r#"tags: "a" must be a string, not null"#.to_owned()));
        let patch = tags_patch(&mut json(r#"{"tags":{"a":null,"b":"1"}}"#)).unwrap();
        assert_eq!(serde_json::to_string(&patch).unwrap(), r#"{"a":null,"b":"1"}"#);
        let pairs = form(&[("tags", "a=1")]);
        assert_eq!(tags(&mut { pairs }).unwrap().get("a"), Some("1"));
    }
}
