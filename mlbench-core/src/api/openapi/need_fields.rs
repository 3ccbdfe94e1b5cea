//! What a run may say about the pods that execute it.

use serde_json::{Value, json};

use super::field::{Field, POD_NAME};
use crate::needs::{NodeSelector, ObjectName, RunNeeds, SecretEnvironment, SecretKey, Toleration, Volume};

/// The name of a volume.
const VOLUME: &str = "(?!(mlbench|shm|ssh-key)(:|$))[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?";
/// A path without `.` and `..`, outside the reserved ones.
const PATH: &str = "/(?!(mlbench|dev|proc|sys|ssh-key|run|var)(/|:|$))[a-z][a-z0-9]{0,30}";
/// The key of a label or a taint, or its value.
const LABEL: &str = "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?";

/// The fields about the pods of a run.
pub(super) fn all(variable: &str) -> [Field; 7] {
    [
        env_from_secrets(variable),
        volumes(),
        node_selector(),
        tolerations(),
        name("priority_class", "Priority class of the workers. In Kubernetes only."),
        name("service_account", "Service account of the workers, whose token they get. In Kubernetes only."),
        pull_secrets(),
    ]
}

fn name(field: &'static str, description: &'static str) -> Field {
    let pattern = format!("^({})?$", unanchored(POD_NAME));
    let json = json!({"type": ["string", "null"], "maxLength": ObjectName::MAX_CHARS, "pattern": pattern});
    let text = json!({"type": "string", "maxLength": ObjectName::MAX_CHARS, "pattern": pattern});
    Field::new(field, json, text, description)
}

fn unanchored(pattern: &str) -> &str {
    pattern.trim_start_matches('^').trim_end_matches('$')
}

/// An array of items, in a form a text for each.
fn items(name: &'static str, max: usize, item: &Value, text: &str, description: &'static str) -> Field {
    let json = json!({"type": ["array", "null"], "items": item, "maxItems": max});
    let text = json!({"type": "string", "pattern": format!("^({text})?$")});
    Field::new(name, json, json!({"type": "array", "items": text, "maxItems": max}), description)
}

fn volumes() -> Field {
    let object = json!({"type": "string", "maxLength": ObjectName::MAX_CHARS, "pattern": POD_NAME});
    let path = json!({"type": "string", "pattern": format!("^{PATH}$")});
    let size = json!({"type": "string", "pattern": "^[1-9][0-9]{0,4}(Mi|Gi)$"});
    let empty_dir = json!({"type": "object", "properties": {"size": size}, "additionalProperties": false});
    let of = |kind: &str, source: &Value| {
        json!({
            "type": "object",
            "properties": {
                "name": {"type": "string", "pattern": format!("^{VOLUME}$")},
                "mount_path": path,
                "read_only": {"type": "boolean"},
                kind: source,
            },
            "required": ["name", "mount_path", kind],
            "additionalProperties": false,
        })
    };
    let mut empty = of("empty_dir", &empty_dir);
    empty["properties"]["read_only"] = json!({"const": false});
    let kinds =
        [of("pvc", &object), of("config_map", &object), of("secret", &object), of("host_path", &path), empty];
    let objects = unanchored(POD_NAME);
    let text = format!("{VOLUME}:{PATH}:((pvc|config_map|secret)/{objects}|host_path{PATH}|empty_dir)");
    items(
        "volumes",
        Volume::MAX_VOLUMES,
        &json!({"anyOf": kinds}),
        &text,
        "Volumes that every worker mounts: a name, a path, and one of `pvc`, `config_map`, `secret`, `host_path` and `empty_dir`. Local workers have only the last.",
    )
}

fn node_selector() -> Field {
    let value = json!({"type": "string", "pattern": format!("^({LABEL})?$")});
    let json = json!({
        "type": ["object", "null"],
        "additionalProperties": value,
        "propertyNames": {"pattern": format!("^{LABEL}$")},
        "maxProperties": NodeSelector::MAX_LABELS,
    });
    let item = json!({"type": "string", "pattern": format!("^({LABEL}=({LABEL})?)?$")});
    Field::new(
        "node_selector",
        json,
        json!({"type": "array", "items": item}),
        "Labels that the nodes of the workers must have. In Kubernetes only.",
    )
}

fn tolerations() -> Field {
    let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
    let item = json!({
        "type": "object",
        "properties": {
            "key": {"type": "string", "pattern": format!("^{LABEL}$")},
            "value": {"type": "string", "pattern": format!("^({LABEL})?$")},
            "effect": {"enum": effects},
        },
        "required": ["key"],
        "additionalProperties": false,
    });
    let text = format!("{LABEL}(={LABEL})?(:({}))?", effects.join("|"));
    items(
        "tolerations",
        Toleration::MAX_TOLERATIONS,
        &item,
        &text,
        "Taints of nodes that the workers tolerate. In Kubernetes only.",
    )
}

fn pull_secrets() -> Field {
    let item = json!({"type": "string", "maxLength": ObjectName::MAX_CHARS, "pattern": POD_NAME});
    items(
        "image_pull_secrets",
        RunNeeds::MAX_PULL_SECRETS,
        &item,
        unanchored(POD_NAME),
        "Secrets for pulling the image, besides those of the settings. In Kubernetes only.",
    )
}

/// Variables whose values Kubernetes takes from Secrets.
fn env_from_secrets(variable: &str) -> Field {
    let name = unanchored(POD_NAME);
    let key = "[-._a-zA-Z0-9]{1,253}";
    let reference = json!({
        "type": "object",
        "properties": {
            "secret": {"type": "string", "maxLength": ObjectName::MAX_CHARS, "pattern": POD_NAME},
            "key": {"type": "string", "maxLength": SecretKey::MAX_KEY_CHARS, "pattern": format!("^{key}$")},
        },
        "required": ["secret", "key"],
        "additionalProperties": false,
    });
    let json = json!({
        "type": ["object", "null"],
        "additionalProperties": reference,
        "propertyNames": {"pattern": format!("^{variable}$")},
        "maxProperties": SecretEnvironment::MAX_VARIABLES,
    });
    let item = json!({"type": "string", "pattern": format!("^({variable}={name}/{key})?$")});
    Field::new(
        "env_from_secrets",
        json,
        json!({"type": "array", "items": item, "maxItems": SecretEnvironment::MAX_VARIABLES}),
        "Environment variables of the command with the keys of Secrets that have their values. In Kubernetes only.",
    )
}
