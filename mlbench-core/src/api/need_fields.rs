//! Reads what a run needs from the fields of a request.

use std::str::FromStr;

use super::field_value::{FieldValue, read_string, why_not_text};
use super::fields::{Fields, Member};
use crate::error::{Error, ErrorCode, Result};
use crate::goal::{Direction, Goal};
use crate::needs::{
    NodeSelector, ObjectName, RunNeeds, SecretEnvironment, SecretKey, Toleration, Volume, VolumeSource,
};
use crate::quote::quote;

/// Takes the fields of [`RunNeeds`].
///
/// # Errors
/// [`InvalidField`](crate::error::ErrorCode::InvalidField) naming the field.
pub(super) fn needs(fields: &mut Fields) -> Result<RunNeeds> {
    let needs = RunNeeds {
        memory: parsed(fields, "memory")?,
        shm_size: parsed(fields, "shm_size")?,
        gpus: fields.integer("gpus", 1, RunNeeds::MAX_GPUS)?,
        working_dir: parsed(fields, "working_dir")?,
        time_limit: parsed(fields, "time_limit")?,
        goal: goal(fields)?,
        stop_at_goal: fields.boolean("stop_at_goal")?.unwrap_or(false),
        env_from_secrets: env_from_secrets(fields)?,
        volumes: volumes(fields)?,
        node_selector: NodeSelector::new(fields.pairs("node_selector", NodeSelector::parse_label)?)?,
        tolerations: items(fields, "tolerations", Toleration::MAX_TOLERATIONS, toleration)?,
        priority_class: parsed(fields, "priority_class")?,
        service_account: parsed(fields, "service_account")?,
        image_pull_secrets: pull_secrets(fields)?,
    };
    if needs.stop_at_goal && needs.goal.is_none() {
        let rule = "missing; stop_at_goal needs one, such as val_global_Prec@1>=80";
        return Err(Error::invalid("goal", rule));
    }
    Ok(needs)
}

/// Takes `goal`: a JSON object, or a text as its type reads it.
fn goal(fields: &mut Fields) -> Result<Option<Goal>> {
    let of_field = |error: String| Error::invalid("goal", error);
    let value = match fields.take("goal") {
        None => return Ok(None),
        Some(FieldValue::Json(raw)) if raw.get().starts_with('{') => FieldValue::Json(raw),
        Some(value) => {
            let text = read_string(value).map_err(|error| of_field(format!("{error}, or an object")))?;
            return (!text.is_empty()).then(|| text.parse().map_err(of_field)).transpose();
        }
    };
    let read = || {
        let mut fields = object(value)?;
        let missing = |field| Error::invalid(field, "missing; a goal has a metric and a value");
        let metric = fields.text("metric")?.ok_or_else(|| missing("metric"))?;
        let direction = fields.one_of("direction", &Direction::WORDS)?;
        let value = fields.finite("value")?.ok_or_else(|| missing("value"))?;
        fields.finish()?;
        Goal::new(&metric, direction, value)
    };
    read().map(Some).map_err(|error| Error::new(error.code(), format!("goal: {}", error.detail())))
}

fn parsed<T: FromStr<Err = String>>(fields: &mut Fields, name: &'static str) -> Result<Option<T>> {
    let text = fields.text_or_number(name)?.filter(|text| !text.is_empty());
    text.map(|text| text.parse().map_err(|error: String| Error::invalid(name, error))).transpose()
}

/// Takes `env_from_secrets`: a JSON object of references, or `env_from_secrets=NAME=SECRET/KEY` for each.
fn env_from_secrets(fields: &mut Fields) -> Result<SecretEnvironment> {
    let members = fields.members("env_from_secrets")?.into_iter().map(|member| match member {
        Member::Named(name, value) => match secret_key(value) {
            Ok(key) => Ok((name, key)),
            Err(error) => Err(SecretEnvironment::of_variable(&name, &error)),
        },
        Member::Text(text) => SecretEnvironment::parse_variable(&text),
    });
    SecretEnvironment::new(members.collect::<Result<Vec<_>>>()?)
}

fn secret_key(value: FieldValue) -> Result<SecretKey> {
    const MISSING: &str =
        "missing; name the Secret and its key, as in {\"secret\": \"db\", \"key\": \"password\"}";
    let mut fields = object(value)?;
    let mut named = |field| fields.text(field)?.ok_or_else(|| Error::invalid(field, MISSING));
    let (secret, key) = (named("secret")?, named("key")?);
    fields.finish()?;
    SecretKey::new(&secret, &key)
}

/// Takes the elements of a JSON array, and the texts of a form as their type reads them.
fn items<T: FromStr<Err = Error>>(
    fields: &mut Fields,
    name: &'static str,
    max: usize,
    read: impl Fn(FieldValue) -> Result<T>,
) -> Result<Vec<T>> {
    let item = |(index, value)| match value {
        FieldValue::Text(text) => text.parse(),
        value => read(value)
            .map_err(|error| Error::new(error.code(), format!("{name}: item {index}: {}", error.detail()))),
    };
    fields.items(name, max)?.into_iter().enumerate().map(item).collect()
}

/// Takes `volumes`: a JSON array of objects, or `volumes=NAME:PATH:KIND/SOURCE` for each.
fn volumes(fields: &mut Fields) -> Result<Vec<Volume>> {
    let volumes = items(fields, "volumes", Volume::MAX_VOLUMES, volume)?;
    Volume::check_all(&volumes)?;
    Ok(volumes)
}

fn volume(value: FieldValue) -> Result<Volume> {
    let mut fields = object(value)?;
    let mut named =
        |field| fields.text(field)?.ok_or_else(|| Error::invalid(field, "missing; every volume needs one"));
    let (name, mount_path) = (named("name")?, named("mount_path")?);
    let mut sources = Vec::new();
    for kind in ["pvc", "config_map", "secret", "host_path"] {
        if let Some(text) = fields.text(kind)? {
            sources.push(VolumeSource::named(kind, &text)?);
        }
    }
    if let Some(value) = fields.take("empty_dir") {
        let mut of_dir = object(value).map_err(|error| Error::invalid("empty_dir", error.detail()))?;
        let size = of_dir.text_or_number("size")?.unwrap_or_default();
        of_dir.finish()?;
        sources.push(VolumeSource::named("empty_dir", &size)?);
    }
    let read_only = fields.boolean("read_only")?.unwrap_or(false);
    fields.finish()?;
    match <[VolumeSource; 1]>::try_from(sources) {
        Ok([source]) => Volume::new(&name, &mount_path, source, read_only),
        Err(sources) => {
            let (kinds, many) = (VolumeSource::KINDS.join(", "), sources.len());
            let problem = format!("must have exactly one of {kinds}, not {many}");
            Err(Error::new(ErrorCode::InvalidField, problem))
        }
    }
}

fn toleration(value: FieldValue) -> Result<Toleration> {
    let mut fields = object(value)?;
    let key = fields
        .text("key")?
        .ok_or_else(|| Error::invalid("key", "missing; every toleration names the key of a taint"))?;
    let (mut value, effect) = (fields.text("value")?, fields.text("effect")?);
    // Without this word, which manifests have, a value decides.
    match fields.one_of("operator", &[("Exists", true), ("Equal", false)])? {
        Some(true) if value.is_some() => {
            return Err(Error::invalid("operator", "must be Equal when a value is given"));
        }
        Some(false) => value = value.or_else(|| Some(String::new())),
        _ => {}
    }
    fields.finish()?;
    Toleration::new(&key, value.as_deref(), effect.as_deref().filter(|effect| !effect.is_empty()))
}

fn pull_secrets(fields: &mut Fields) -> Result<Vec<ObjectName>> {
    const FIELD: &str = "image_pull_secrets";
    let name = |value| read_string(value).and_then(|text| text.parse());
    let named = |value| name(value).map_err(|error| Error::invalid(FIELD, error));
    fields.items(FIELD, RunNeeds::MAX_PULL_SECRETS)?.into_iter().map(named).collect()
}

/// Returns the fields of a value that must be a JSON object.
fn object(value: FieldValue) -> Result<Fields> {
    let problem = match value {
        FieldValue::Json(raw) if raw.get().starts_with('{') => {
            return Fields::from_json(raw.get().as_bytes());
        }
        FieldValue::Json(raw) => why_not_text("an object", &raw),
        FieldValue::Text(text) => format!("must be an object, not {}", quote(&text)),
    };
    Err(Error::new(ErrorCode::InvalidField, problem))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::RunRequest;

    fn read(body: &str) -> Result<RunRequest> {
        RunRequest::from_fields(Fields::from_json(body.as_bytes())?)
    }

    fn refusal(field: &str, value: &str) -> String {
        read(&format!(r#"{{"name":"x","{field}":{value}}}"#)).unwrap_err().detail().to_owned()
    }

    #[test]
    fn needs_are_numbers_or_texts_with_units() {
        let body = |memory: &str, limit: &str| {
            format!(
                r#"{{"name":"x","memory":{memory},"shm_size":"","gpus":2,"time_limit":{limit},"working_dir":"/d"}}"#
            )
        };
        let run = read(&body(r#""4Gi""#, r#""90m""#)).unwrap();
        assert_eq!(run, read(&body("4294967296.0", "5.4e3")).unwrap());
        let written = r#"{"name":"x","memory":4294967296,"gpus":2,"working_dir":"/d","time_limit":5400.0}"#;
        assert_eq!(serde_json::to_string(&run).unwrap(), written);
        assert_eq!(serde_json::from_str::<RunRequest>(written).unwrap(), run);
        assert_eq!(refusal("memory", "4"), r#"memory: "4" is less than 1Mi; use a unit, as in 512Mi or 4Gi"#);
        assert!(refusal("shm_size", "true").starts_with("shm_size: must be a string or a number"));
        assert!(refusal("gpus", "0").starts_with("gpus: must be"));
        assert!(refusal("working_dir", "7").starts_with("working_dir: must be an absolute path"));
        assert!(refusal("time_limit", "-1").starts_with("time_limit: must be a time above 0"));
    }

    #[test]
    fn a_goal_is_an_object_or_a_text() {
        let written = r#"{"name":"x","goal":{"metric":"Prec@1","direction":"at_least","value":80.0},"stop_at_goal":true}"#;
        let run = read(written).unwrap();
        assert_eq!(serde_json::to_string(&run).unwrap(), written);
        assert_eq!(serde_json::from_str::<RunRequest>(written).unwrap(), run);
        for goal in [r#""Prec@1 >= 80""#, r#"{"metric":"Prec@1","value":80}"#] {
            let body = format!(r#"{{"name":"x","goal":{goal},"stop_at_goal":true}}"#);
            assert_eq!(read(&body).unwrap(), run);
        }
        let pairs = [("name", "x"), ("goal", "Prec@1>=80"), ("stop_at_goal", "true")];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(RunRequest::from_fields(Fields::from_pairs(pairs)).unwrap(), run);
        assert_eq!(read(r#"{"name":"x","goal":""}"#).unwrap().needs.goal, None);
        let loss = read(r#"{"name":"x","goal":{"metric":"loss","value":0.5}}"#).unwrap().needs.goal;
        assert_eq!(loss.unwrap().direction, Direction::AtMost);
        for (value, problem) in [
            ("7", "must be a string, not a number, or an object"),
            (r#""80""#, r#"must be METRIC>=VALUE or METRIC<=VALUE, as in val_global_Prec@1>=80, not "80""#),
            ("{}", "metric: missing; a goal has a metric and a value"),
            (r#"{"metric":"a"}"#, "value: missing; a goal has a metric and a value"),
            (r#"{"metric":"","value":1}"#, "metric: must have 1 to 512 bytes, not 0"),
            (r#"{"metric":"a","value":"x"}"#, "value: must be a number"),
            (r#"{"metric":"a","value":1,"direction":"up"}"#, "direction: "),
            (r#"{"metric":"a","value":1,"stop":true}"#, r#""stop": unknown field"#),
        ] {
            let found = refusal("goal", value);
            assert!(found.starts_with(&format!("goal: {problem}")), "{found}");
        }
        assert!(refusal("stop_at_goal", "true").starts_with("goal: missing; stop_at_goal needs one"));
    }

    #[test]
    fn variables_from_secrets_are_objects_or_texts() {
        let written = r#"{"name":"x","env_from_secrets":{"A":{"secret":"db","key":"k"}}}"#;
        let run = read(written).unwrap();
        assert_eq!(serde_json::to_string(&run).unwrap(), written);
        assert_eq!(serde_json::from_str::<RunRequest>(written).unwrap(), run);
        let pairs = [("name", "x"), ("env_from_secrets", "A=db/k"), ("env_from_secrets", "")];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(RunRequest::from_fields(Fields::from_pairs(pairs)).unwrap(), run);
        let refused = |value: &str| refusal("env_from_secrets", value);
        assert_eq!(refused(r#"{"A":"db/k"}"#), r#"env_from_secrets: "A": must be an object, not a string"#);
        assert!(refused(r#"{"A":{"secret":"db"}}"#).starts_with(r#"env_from_secrets: "A": key: missing; "#));
        assert!(
            refused(r#"{"A":{"secret":"db","key":"k","x":1}}"#)
                .starts_with(r#"env_from_secrets: "A": "x": unknown field"#)
        );
        assert!(
            refused(r#"{"A":{"secret":7,"key":"k"}}"#)
                .starts_with(r#"env_from_secrets: "A": secret: must be a string"#)
        );
        let both = read(
            r#"{"name":"x","environment":{"A":"1"},"env_from_secrets":{"A":{"secret":"db","key":"k"}}}"#,
        );
        assert_eq!(both.unwrap_err().detail(), r#"env_from_secrets: "A" is in environment too; remove one"#);
    }

    #[test]
    fn volumes_are_objects_or_texts() {
        let written = r#"{"name":"x","volumes":[{"name":"d","mount_path":"/d","read_only":true,"pvc":"sets"},{"name":"e","mount_path":"/e","empty_dir":{"size":1073741824}}]}"#;
        let run = read(written).unwrap();
        assert_eq!(serde_json::to_string(&run).unwrap(), written);
        assert_eq!(serde_json::from_str::<RunRequest>(written).unwrap(), run);
        let pairs = [("name", "x"), ("volumes", "d:/d:pvc/sets:ro"), ("volumes", "e:/e:empty_dir/1Gi")];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(RunRequest::from_fields(Fields::from_pairs(pairs)).unwrap(), run);
        let refused = |value: &str| refusal("volumes", value);
        assert_eq!(refused("{}"), "volumes: must be an array, not an object");
        assert_eq!(refused("[7]"), "volumes: item 0: must be an object, not a number");
        for (item, problem) in [
            (r#"{"mount_path":"/d"}"#, "name: missing; every volume needs one"),
            (
                r#"{"name":"d","mount_path":"/d"}"#,
                "must have exactly one of pvc, config_map, secret, host_path, empty_dir, not 0",
            ),
            (
                r#"{"name":"d","mount_path":"/d","pvc":"a","secret":"b"}"#,
                "must have exactly one of pvc, config_map, secret, host_path, empty_dir, not 2",
            ),
            (r#"{"name":"d","mount_path":"/dev/shm","pvc":"a"}"#, r#"mount_path: "/dev/shm" is reserved"#),
            (r#"{"name":"d","mount_path":"/d","empty_dir":7}"#, "empty_dir: must be an object, not a number"),
            (
                r#"{"name":"d","mount_path":"/d","empty_dir":{"size":"x"}}"#,
                "size: must be an amount of memory",
            ),
            (r#"{"name":"d","mount_path":"/d","nfs":"a"}"#, r#""nfs": unknown field"#),
        ] {
            let found = refused(&format!("[{item}]"));
            assert!(found.starts_with(&format!("volumes: item 0: {problem}")), "{found}");
        }
        let twice =
            refused(r#"[{"name":"d","mount_path":"/d","pvc":"a"},{"name":"d","mount_path":"/e","pvc":"a"}]"#);
        assert_eq!(twice, r#"volumes: two have the name "d"; change one"#);
    }

    #[test]
    fn placement_is_read_as_manifests_write_it() {
        let body = r#"{"name":"x","node_selector":{"gpu":"a100"},"tolerations":[{"key":"gpu","operator":"Exists","effect":"NoSchedule"},{"key":"a","operator":"Equal"}],"priority_class":"low","service_account":"me","image_pull_secrets":["hub"]}"#;
        let needs = read(body).unwrap().needs;
        let texts: Vec<String> = needs.tolerations.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["gpu:NoSchedule", "a="]);
        assert_eq!(needs.node_selector.iter().collect::<Vec<_>>(), [("gpu", "a100")]);
        let pairs = [
            ("name", "x"),
            ("node_selector", "gpu=a100"),
            ("tolerations", "gpu:NoSchedule"),
            ("tolerations", "a="),
            ("priority_class", "low"),
            ("service_account", "me"),
            ("image_pull_secrets", "hub"),
        ];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(RunRequest::from_fields(Fields::from_pairs(pairs)).unwrap().needs, needs);
        for (field, value, problem) in [
            ("tolerations", r#"[{"value":"a"}]"#, "tolerations: item 0: key: missing"),
            (
                "tolerations",
                r#"[{"key":"a","value":"b","operator":"Exists"}]"#,
                "tolerations: item 0: operator: must be Equal",
            ),
            (
                "tolerations",
                r#"[{"key":"a","effect":"No"}]"#,
                "tolerations: item 0: effect: must be NoSchedule",
            ),
            ("node_selector", r#"{"a":1}"#, r#"node_selector: "a" must be a string"#),
            ("priority_class", r#""A""#, r#"priority_class: "A" is not the name of an object"#),
            ("service_account", "[]", "service_account: must be a string"),
            ("image_pull_secrets", "[1]", "image_pull_secrets: must be a string"),
        ] {
            assert!(refusal(field, value).starts_with(problem), "{}", refusal(field, value));
        }
    }
}
