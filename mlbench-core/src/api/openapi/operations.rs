//! Each endpoint as an operation.

use serde_json::{Value, json};

use super::schemas::reference;
use super::{errors, examples, field, parameters, requests, responses};
use crate::api::{Access, Endpoint};

/// Returns the operation of an endpoint.
pub(super) fn operation(endpoint: Endpoint) -> Value {
    let spec = endpoint.spec();
    let mut all = parameters(endpoint);
    all.extend(parameters::query(endpoint).iter().map(field::Field::parameter));
    all.extend(headers(endpoint));
    let mut responses = errors::references(&errors::codes(endpoint));
    responses.insert(spec.success.to_string(), responses::success(endpoint));
    let mut operation = json!({
        "operationId": spec.id,
        "summary": spec.summary,
        "tags": [tag(endpoint)],
        "responses": responses,
    });
    if spec.access == Access::Public {
        operation["security"] = json!([]);
    }
    let description = description(endpoint);
    if !description.is_empty() {
        operation["description"] = description.into();
    }
    if !all.is_empty() {
        operation["parameters"] = all.into();
    }
    let body = body(endpoint);
    if !body.is_null() {
        operation["requestBody"] = body;
    }
    operation
}

/// Returns the group of an endpoint in the document.
pub(super) fn tag(endpoint: Endpoint) -> &'static str {
    endpoint.spec().id.split('.').next().unwrap_or_default()
}

/// Returns the operation of an endpoint at the path of another one, whose words its pattern takes as names.
pub(super) fn at(endpoint: Endpoint, path: &str) -> Value {
    let mut operation = operation(endpoint);
    let own = endpoint.spec().segments().zip(path.split('/').filter(|segment| !segment.is_empty()));
    let named: Vec<&str> =
        own.filter(|(name, word)| name.starts_with('{') && name != word).map(|(_, word)| word).collect();
    let word = named.join("_");
    operation["operationId"] = format!("{}_{word}", endpoint.spec().id).into();
    operation["summary"] = format!("{}, here named `{word}`", endpoint.spec().summary).into();
    if let Some(parameters) = operation["parameters"].as_array_mut() {
        parameters.retain(|parameter| parameter["in"] != "path");
    }
    operation
}

fn description(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::CreateMetric => {
            "A metric belongs to a run or to a pod. The token of an active run stores metrics of that run. Empty texts in place of `run_id`, `pod_name`, numbers and booleans count as absent, as forms send them."
        }
        Endpoint::CreateMetrics => {
            "A JSON array of at most 100,000 points, a series in columns or an array of such series, or NDJSON of any length, also with `Content-Encoding: gzip`. A point that is invalid is listed in the response and does not affect the others."
        }
        Endpoint::CreateRun => {
            "The name is enough: a run without a command executes the default command on all workers. One run is active at a time, unless the server runs with `--run-policy queue`. Where the server requires a token, an external run gets a `token` of its own in this response, and nowhere else: its program may only report to this run."
        }
        Endpoint::UpdateRun => {
            "The token of an active run changes that run. `state` ends an external run, with its `reason` and `exit_codes`."
        }
        Endpoint::DeleteRun => {
            "An active run is stopped first. No other run starts until its workers are free."
        }
        Endpoint::StopRun => "An ended run stays as it is.",
        Endpoint::ExportRun => {
            "Only a run that has ended is exported. Its archive is the same to the byte wherever it is exported. docs/export.md describes the files."
        }
        Endpoint::ImportRun => {
            "The archive is checked as a whole before anything is stored, and the run appears when it is whole. It keeps its dates, its state and its origin (`imported_from`), and gets another id. One run is imported at a time."
        }
        Endpoint::GetMetrics => {
            "Filters apply in this order: `cursor`, `since` and `until`, `metric_filter`, `summarize` or `downsample`, `last_n`."
        }
        Endpoint::ListMetrics => {
            "The pods are those in the cluster now. Filters apply in this order: `cursor`, `since` and `until`, `metric_filter`, `summarize` or `downsample`, `last_n`."
        }
        Endpoint::Events => {
            "A stream resumes after the event that `Last-Event-ID` names: everything up to the id of an event was sent before it."
        }
        Endpoint::Prometheus => "The metrics token of the server is enough.",
        _ => "",
    }
}

/// Returns the parameters of the path.
fn parameters(endpoint: Endpoint) -> Vec<Value> {
    let path = |name: &str, schema: Value, what: &str| json!({"name": name, "in": "path", "required": true, "description": what, "schema": schema});
    let names = endpoint.spec().segments().filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let parameter = |name: &str| match name {
        "id" => path("id", reference("RunId"), "Id of the run."),
        "name" => path("name", reference("PodName"), "Name of the pod."),
        other => path(
            other,
            json!({"type": "string", "minLength": 1}),
            "Name of a pod, or with `metric_type=run` id of a run.",
        ),
    };
    names.map(parameter).collect()
}

fn headers(endpoint: Endpoint) -> Vec<Value> {
    match endpoint {
        Endpoint::CreateMetric
        | Endpoint::CreateMetrics
        | Endpoint::CreateRun
        | Endpoint::ImportRun
        | Endpoint::AppendRunLogs => {
            vec![json!({"$ref": "#/components/parameters/IdempotencyKey"})]
        }
        Endpoint::Events => vec![json!({"$ref": "#/components/parameters/LastEventId"})],
        _ => Vec::new(),
    }
}

fn body(endpoint: Endpoint) -> Value {
    match endpoint {
        Endpoint::CreateMetric => {
            fields("NewMetric", &form(&requests::metric(), requests::one_owner()), &examples::new_metric())
        }
        Endpoint::CreateRun => {
            fields("NewRun", &form(&requests::run(), requests::run_rules()), &examples::new_run())
        }
        Endpoint::UpdateRun => {
            let rules = requests::patch_rules(&json!({"contains": {"minLength": 1}}));
            fields("RunPatch", &form(&requests::patch(), rules), &examples::patch())
        }
        Endpoint::CreateSession => {
            fields("SignIn", &field::form(&requests::sign_in()), &json!({"token": "correct-horse-battery"}))
        }
        Endpoint::AppendRunLogs => fields(
            "NewLogLines",
            &field::form(&requests::lines()),
            &json!({"lines": ["epoch 1", {"text": "slow", "stream": "stderr"}]}),
        ),
        Endpoint::CreateMetrics => batch(),
        Endpoint::ImportRun => json!({
            "required": true,
            "content": {"application/zip": {"schema": {"description": "The archive that `runs.export` returns, at most 4 GiB."}}},
        }),
        _ => Value::Null,
    }
}

fn form(all: &[field::Field], rules: Value) -> Value {
    let mut form = field::form(all);
    form["allOf"] = rules;
    form
}

/// Returns a body of fields: JSON, a form or multipart.
fn fields(name: &str, form: &Value, example: &Value) -> Value {
    let form = json!({"schema": form, "example": in_form(form, example)});
    json!({
        "required": true,
        "content": {
            "application/json": {"schema": reference(name), "example": example},
            "application/x-www-form-urlencoded": form,
            "multipart/form-data": form,
        },
    })
}

/// Returns the example of a form: texts, and `NAME=VALUE` for each member of an object.
fn in_form(form: &Value, example: &Value) -> Value {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let line = |line: &Value| line["text"].as_str().map_or_else(|| text(line), str::to_owned);
    let pair = |(name, value): (&String, &Value)| format!("{name}={}", text(value));
    let member = |(name, value): (&String, &Value)| {
        let value = match (form["properties"][name]["type"].as_str(), value) {
            (_, Value::Object(members)) => {
                members.iter().filter(|(_, value)| !value.is_null()).map(pair).collect()
            }
            (_, Value::Array(lines)) => lines.iter().map(line).collect::<Vec<_>>().join("\n").into(),
            (Some("string"), value) => text(value).into(),
            (_, value) => value.clone(),
        };
        (name.clone(), value)
    };
    example.as_object().into_iter().flatten().map(member).collect::<serde_json::Map<_, _>>().into()
}

fn batch() -> Value {
    let any = "An element that is no valid point is rejected by its index.";
    let points = json!({"type": "array", "items": {"anyOf": [reference("NewMetric"), {"description": any}]}, "maxItems": 100_000});
    let series = json!({"type": "array", "items": reference("NewSeries")});
    json!({
        "required": true,
        "content": {
            "application/json": {
                "schema": {"anyOf": [points, reference("NewSeries"), series]},
                "examples": {
                    "points": {"value": examples::new_metrics()},
                    "series": {"value": examples::new_series()},
                },
            },
            "application/x-ndjson": {
                "schema": {"description": "A point as JSON on each line. A line that is none is rejected by its index."},
                "example": examples::new_lines(),
            },
        },
    })
}
