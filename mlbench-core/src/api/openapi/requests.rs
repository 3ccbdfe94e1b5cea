//! What bodies may hold.

use serde_json::{Value, json};

use super::field::{Field, POD_NAME};
use super::need_fields;
use crate::api::NewLogLines;
use crate::environment::Environment;
use crate::name::RunName;
use crate::needs::{ByteSize, RunNeeds, TimeLimit, WorkingDir};

/// A text without control characters.
const PLAIN: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";
/// The name of a parameter or a tag.
pub(super) const LABEL: &str = r"[^=\u0000-\u001f\u007f-\u009f]{1,250}";
/// The name of a variable that mlbench does not set itself.
const VARIABLE: &str = "(?!MLBENCH_|MASTER_|((LOCAL_|NODE_|GROUP_)?RANK|(LOCAL_)?WORLD_SIZE)(=|$))\
     [A-Za-z_][A-Za-z0-9_]*";

/// The fields of `POST /api/metrics/`.
pub(super) fn metric() -> Vec<Field> {
    let id = json!({"type": ["integer", "string"], "minimum": 1, "pattern": "^[1-9][0-9]*$"});
    let either = |schema: Value| json!({"anyOf": [schema, {"enum": ["", null]}]});
    let pod = json!({"type": "string", "maxLength": 253, "pattern": POD_NAME});
    let name = json!({"type": "string", "minLength": 1, "maxLength": 512});
    let value = json!({"type": ["string", "number"]});
    let metadata = json!({"type": ["string", "object", "array", "null"], "items": {}});
    let text = || json!({"type": "string"});
    vec![
        Field::new(
            "run_id",
            either(id),
            json!({"type": "integer", "minimum": 1}),
            "The run, unless the metric belongs to a pod.",
        ),
        Field::new("pod_name", either(pod.clone()), pod, "The pod, unless the metric belongs to a run."),
        Field::new("name", name.clone(), name, "Name of the metric, at most 512 bytes.").required(),
        Field::new(
            "value",
            value,
            text(),
            "The measured value. A number is stored as its own text, so that `1.50` stays `1.50`.",
        )
        .required(),
        Field::date(
            "date",
            "Time of the measurement: RFC 3339, or seconds since 1970. Defaults to the time of arrival.",
        ),
        Field::boolean("cumulative", "Whether the value adds up over time."),
        Field::new("metadata", metadata, text(), "Free text. An object or an array is stored as its text."),
        Field::whole("step", i64::MIN, i64::MAX, "Training step of the measurement."),
        Field::finite("epoch", "Training epoch of the measurement, possibly fractional."),
    ]
}

/// The rule that a metric has one owner.
pub(super) fn one_owner() -> Value {
    let absent = json!({"enum": ["", null]});
    let given = json!({"not": {"enum": ["", null]}});
    // Not `oneOf`, of which generators of clients make types without the other fields.
    json!([{
        "if": {"required": ["run_id"], "properties": {"run_id": given}},
        "then": {"properties": {"pod_name": absent}},
        "else": {"required": ["pod_name"], "properties": {"pod_name": given}},
    }])
}

/// The columns of a series, an element of `POST /api/metrics/batch/`.
pub(super) fn series() -> Value {
    let mut properties = json!({
        "run_id": {"description": "The run, unless the points belong to a pod."},
        "pod_name": {"description": "The pod, unless the points belong to a run."},
        "name": {"description": "Name of the metric."},
        "value": {"description": "The measured values.", "type": "array", "items": {}},
    });
    for field in metric() {
        if properties.get(field.name).is_none() {
            properties[field.name] = field.column();
        }
    }
    json!({
        "description": "Points of one run or pod and one metric, in columns: arrays of equal length, or one value for all \
                        points. Items that are invalid are rejected by index.",
        "type": "object",
        "properties": properties,
        "required": ["value"],
        "additionalProperties": false,
    })
}

/// The fields of `POST /api/runs/`.
pub(super) fn run() -> Vec<Field> {
    let image = |kind: Value| json!({"type": kind, "maxLength": 512, "pattern": r"^[^\s\u0000-\u001f\u007f-\u009f]*$"});
    let name = json!({"type": "string", "minLength": 1, "maxLength": RunName::MAX_CHARS, "pattern": PLAIN});
    let backend = "^([mM][pP][iI]|[gG][lL][oO][oO]|[nN][cC][cC][lL]|[cC][uU][sS][tT][oO][mM]_[bB][aA][cC][kK][eE][nN][dD])?$";
    let backend = |kind: Value| json!({"type": kind, "pattern": backend});
    let value =
        json!({"type": "string", "maxLength": Environment::MAX_VALUE_BYTES, "pattern": r"^[^\u0000]*$"});
    vec![
        Field::new("name", name.clone(), name, "Name of the run, without control characters.").required(),
        Field::whole("num_workers", 1, u32::MAX.into(), "Number of workers. Defaults to all workers."),
        Field::positive("num_cpus", "CPU cores per worker, possibly fractional."),
        Field::positive(
            "max_bandwidth",
            "Bandwidth between workers in megabits per second. Stored but not enforced.",
        ),
        Field::text("image_name", 512, "Name of an official image, or `custom_image`."),
        Field::new(
            "custom_image_name",
            image(json!(["string", "null"])),
            image(json!("string")),
            "Container image if `image_name` is `custom_image`.",
        ),
        Field::text(
            "custom_image_command",
            65_536,
            "Command to run, split into words as by a shell, without one. Runs on the static workers unless an image is given.",
        ),
        Field::new(
            "backend",
            backend(json!(["string", "null"])),
            backend(json!("string")),
            "`mpi`, `gloo` or `nccl` in any letter case, or `custom_backend`.",
        ),
        Field::text("custom_backend", 100, "Communication backend if `backend` is `custom_backend`."),
        Field::boolean(
            "run_all_nodes",
            "Whether a custom backend starts the command on every worker instead of only the first.",
        ),
        Field::boolean("gpu_enabled", "Whether to request GPUs."),
        Field::boolean("light_target", "Whether to train to the light goal."),
        Field::boolean("use_horovod", "Whether to use Horovod."),
        amount("memory", "Memory per worker: bytes, or a text such as `4Gi`."),
        amount(
            "shm_size",
            "Size of `/dev/shm` per worker: bytes, or a text such as `1Gi`. Defaults to half of the memory.",
        ),
        Field::whole("gpus", 1, RunNeeds::MAX_GPUS.into(), "GPUs per worker."),
        Field::new(
            "working_dir",
            json!({"type": ["string", "null"], "maxLength": WorkingDir::MAX_BYTES, "pattern": r"^(/[^\u0000]*)?$"}),
            json!({"type": "string", "maxLength": WorkingDir::MAX_BYTES, "pattern": r"^(/[^\u0000]*)?$"}),
            "Directory in which the command starts, an absolute path on the worker.",
        ),
        time_limit(),
        goal(),
        Field::boolean("stop_at_goal", "Whether the first point that reaches the goal ends the run."),
        Field::boolean(
            "external",
            "Whether the run executes elsewhere and only reports here. It takes no workers.",
        ),
        Field::pairs(
            "environment",
            VARIABLE,
            &value,
            Environment::MAX_VARIABLES,
            "Environment variables of the command. Not secret.",
        ),
    ]
    .into_iter()
    .chain(need_fields::all(VARIABLE))
    .chain([
        params("What the run is given, by name."),
        tags(&json!("string"), "What people sort the run by."),
    ])
    .collect()
}

/// An amount of memory, as a number of bytes or with a unit.
fn amount(name: &'static str, description: &'static str) -> Field {
    let text = json!({"type": "string", "pattern": "^([1-9][0-9]{0,5}(Mi|Gi|G)|[2-9][0-9]{0,5}M|[1-9][0-9]{7,14})?$"});
    let (least, most) = (ByteSize::MIN.bytes(), ByteSize::MAX.bytes());
    let number = json!({"type": "integer", "minimum": least, "maximum": most});
    Field::new(name, json!({"anyOf": [number, text, {"type": "null"}]}), text, description)
}

fn time_limit() -> Field {
    let text = json!({"type": "string", "pattern": "^([1-9][0-9]{0,5}[sm]?|[1-9][0-9]{0,3}h)?$"});
    let most = TimeLimit::MAX.as_secs();
    let number = json!({"type": "number", "minimum": 0.001, "maximum": most});
    let description =
        "Longest time from the admission of the run to its end: seconds, or a text such as `90m`.";
    Field::new("time_limit", json!({"anyOf": [number, text, {"type": "null"}]}), text, description)
}

fn goal() -> Field {
    let text =
        json!({"type": "string", "pattern": "^([A-Za-z][A-Za-z0-9_@]{0,99}(>=|<=)-?[1-9][0-9]{0,8})?$"});
    let object = json!({
        "type": "object",
        "properties": {
            "metric": {"type": "string", "minLength": 1, "maxLength": 100},
            "direction": {"enum": ["at_least", "at_most", null]},
            "value": {"type": "number"},
        },
        "required": ["metric", "value"],
        "additionalProperties": false,
    });
    let description = "Which value of which metric the run is to reach: a text such as `val_global_Prec@1>=80`, or an object. \
                       Without a rank, the metrics of all ranks count.";
    Field::new("goal", json!({"anyOf": [text, object, {"type": "null"}]}), text, description)
}

/// The rules of the fields that defer to another one.
pub(super) fn run_rules() -> Value {
    let rule = |field: &str, word: &str, detail: &str| {
        json!({
            "if": {"properties": {field: {"type": "string", "pattern": word}}, "required": [field]},
            "then": {"properties": {detail: {"type": "string", "minLength": 1}}, "required": [detail]},
            "else": {"properties": {detail: {"enum": ["", null]}}},
        })
    };
    let command = json!({
        "if": {"properties": {"image_name": {"const": "custom_image"}}, "required": ["image_name"]},
        "then": {"properties": {"custom_image_command": {"type": "string", "minLength": 1}}, "required": ["custom_image_command"]},
    });
    let goal = json!({
        "if": {"properties": {"stop_at_goal": {"enum": [true, 1, "true", "True", "1"]}}, "required": ["stop_at_goal"]},
        "then": {"properties": {"goal": {"not": {"enum": ["", null]}}}, "required": ["goal"]},
    });
    let backend = "^[cC][uU][sS][tT][oO][mM]_[bB][aA][cC][kK][eE][nN][dD]$";
    json!([
        rule("image_name", "^custom_image$", "custom_image_name"),
        rule("backend", backend, "custom_backend"),
        command,
        goal
    ])
}

/// The fields of `PATCH /api/runs/{id}/`.
pub(super) fn patch() -> Vec<Field> {
    let ends =
        |kind: Value| json!({"type": kind, "pattern": "^(FINISHED|FAILED|STOPPED|finished|failed|stopped)$"});
    vec![
        params("Parameters to add. One that is there must have the same value."),
        tags(&json!(["string", "null"]), "Tags to set, and in JSON to remove with `null`."),
        Field::new(
            "state",
            ends(json!(["string", "null"])),
            ends(json!("string")),
            "How an external run ended.",
        ),
        Field::new(
            "reason",
            json!({"type": ["string", "null"]}),
            json!({"type": "string"}),
            "Why it failed. Only with `FAILED`.",
        ),
        Field::pairs(
            "exit_codes",
            "[0-9]{1,6}",
            &json!({"type": "integer", "minimum": i32::MIN, "maximum": i32::MAX}),
            1_000_000,
            "Exit codes by rank. Only with `state`.",
        ),
    ]
}

/// The rules that only a run that ends has exit codes, and only a failed one a reason.
///
/// `codes` is the schema of exit codes that are given.
pub(super) fn patch_rules(codes: &Value) -> Value {
    let rule = |field: &str, given: &Value, states: &str| {
        json!({
            "if": {"properties": {field: given}, "required": [field]},
            "then": {"properties": {"state": {"type": "string", "pattern": states}}, "required": ["state"]},
        })
    };
    json!([
        rule("exit_codes", codes, "."),
        rule("reason", &json!({"type": "string", "minLength": 1}), "^(FAILED|failed)$"),
    ])
}

/// The fields of `POST /api/runs/{id}/logs/`.
pub(super) fn lines() -> Vec<Field> {
    let line = json!({
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "rank": {"type": ["integer", "null"], "minimum": 0, "maximum": 1_000_000},
            "stream": {"enum": ["stdout", "stderr", null]},
            "date": Field::date("date", "").json,
        },
        "required": ["text"],
        "additionalProperties": false,
    });
    let lines = json!({
        "type": ["array", "string"],
        "items": {"anyOf": [{"type": "string"}, line]},
        "maxItems": NewLogLines::MAX_LINES,
    });
    vec![
        Field::new(
            "lines",
            lines,
            json!({"type": "string"}),
            "Texts, or objects with `text`, `rank`, `stream` and `date`.",
        )
        .required(),
        Field::whole("rank", 0, 1_000_000, "Rank of the lines that name none. Defaults to 0."),
        Field::word(
            "stream",
            &["stdout", "stderr"],
            "Stream of the lines that name none. Defaults to `stdout`.",
        ),
    ]
}

/// The fields of `POST /api/session/`.
pub(super) fn sign_in() -> Vec<Field> {
    let token = json!({"type": "string", "minLength": 1, "pattern": r"\S"});
    vec![Field::new("token", token.clone(), token, "The token of the server.").required()]
}

fn params(description: &'static str) -> Field {
    let value = json!({"type": ["string", "number", "boolean"], "maxLength": 8_000});
    Field::pairs("params", LABEL, &value, 1_000, description)
}

fn tags(value: &Value, description: &'static str) -> Field {
    let value = json!({"type": value, "maxLength": 8_000});
    Field::pairs("tags", LABEL, &value, 1_000, description)
}
