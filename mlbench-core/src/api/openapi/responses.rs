//! What each endpoint returns on success.

use serde_json::{Value, json};

use super::schemas::{self, reference};
use super::{examples, links};
use crate::api::Endpoint;

/// Returns the response of success.
pub(super) fn success(endpoint: Endpoint) -> Value {
    let (description, content) = content(endpoint);
    let mut response = json!({"description": description});
    if !content.is_null() {
        response["content"] = content;
    }
    let links = links::of(endpoint);
    if !links.is_null() {
        response["links"] = links;
    }
    let headers = headers(endpoint);
    if !headers.is_empty() {
        let named = headers
            .iter()
            .map(|name| ((*name).to_owned(), json!({"$ref": format!("#/components/headers/{name}")})));
        response["headers"] = named.collect::<serde_json::Map<_, _>>().into();
    }
    response
}

fn headers(endpoint: Endpoint) -> &'static [&'static str] {
    match endpoint {
        Endpoint::CreateMetric
        | Endpoint::CreateMetrics
        | Endpoint::CreateRun
        | Endpoint::ImportRun
        | Endpoint::AppendRunLogs => &["Idempotency-Replayed"],
        Endpoint::ListRuns => &["Mlbench-Next-Cursor", "Link"],
        Endpoint::GetMetrics | Endpoint::ListMetrics => &["Mlbench-Cursor", "Content-Disposition"],
        Endpoint::ExportRun => &["Content-Disposition"],
        Endpoint::CreateSession | Endpoint::DeleteSession => &["Set-Cookie"],
        _ => &[],
    }
}

fn content(endpoint: Endpoint) -> (&'static str, Value) {
    let list = |name: &str| json!({"type": "array", "items": reference(name)});
    match endpoint {
        Endpoint::CreateMetric => ("The metric as it is stored.", one("Metric", &examples::metric())),
        Endpoint::CreateMetrics => {
            ("How many points are stored, and which are not.", one("BatchResult", &examples::batch_result()))
        }
        Endpoint::Live => ("The server is alive.", one("Health", &json!({"status": "alive"}))),
        Endpoint::Ready => ("The server is ready.", one("Health", &json!({"status": "ready"}))),
        Endpoint::GetMetrics => (
            "The points, and where a later request continues.",
            points("PointsByMetric", &examples::points()),
        ),
        Endpoint::ListMetrics => (
            "The points, and where a later request continues.",
            points("PointsByOwner", &examples::points_by_pod()),
        ),
        Endpoint::ListRuns => (
            "The runs by ascending id, without their output.",
            json_of(&list("Run"), &json!([examples::run()])),
        ),
        Endpoint::CreateRun | Endpoint::ImportRun => ("The run.", one("Run", &examples::run())),
        Endpoint::ExportRun => (
            "The archive.",
            json!({"application/zip": {"schema": {"description": "The run with its points and its output."}}}),
        ),
        Endpoint::GetRun => ("The run with its output.", one("Run", &examples::run_with_output())),
        Endpoint::UpdateRun | Endpoint::StopRun => ("The run as it is now.", one("Run", &examples::run())),
        Endpoint::DeleteRun => ("The run and its data are gone.", Value::Null),
        Endpoint::AppendRunLogs => {
            ("How many lines are stored.", one("AcceptedLines", &json!({"accepted": 2})))
        }
        Endpoint::GetRunLogs => ("A page of lines.", one("LogPage", &examples::logs())),
        Endpoint::CompareRuns => ("The comparison.", one("Comparison", &examples::comparison())),
        Endpoint::ListRunValues => ("A page of newest values.", one("RunValuesPage", &examples::values())),
        Endpoint::ListRunSeries | Endpoint::ListPodSeries => {
            ("The series by name.", json_of(&list("Series"), &examples::series()))
        }
        Endpoint::ListPods => ("The worker pods by name.", json_of(&list("Pod"), &examples::pods())),
        Endpoint::GetSession => (
            "Whether a token is required, and whether a session is open.",
            one("Session", &json!({"required": true, "signed_in": false})),
        ),
        Endpoint::CreateSession => {
            ("The browser is signed in, by the cookie where the server requires a token.", Value::Null)
        }
        Endpoint::DeleteSession => ("The browser is signed out.", Value::Null),
        Endpoint::Events => (
            "Server-sent events: `open` (`StreamOpen`), `runs` (`RunsChanged`), `pods` (`PodList`), `points` (`NewPoints`), `logs` (`NewLines`) and `resync` (`Resync`). The stream has no end.",
            json!({"text/event-stream": {"schema": schemas::event_stream(), "example": examples::event_stream()}}),
        ),
        Endpoint::Prometheus => (
            "Metrics in the text format of Prometheus.",
            text("text/plain; version=0.0.4; charset=utf-8", "mlbench_runs_current{state=\"STARTED\"} 1\n"),
        ),
        Endpoint::GetOpenApi => (
            "This document.",
            json_of(
                &json!({"type": "object", "required": ["openapi", "info", "paths"]}),
                &json!({"openapi": "3.1.0", "info": {}, "paths": {}}),
            ),
        ),
        Endpoint::GetDocs => {
            ("This document as a page.", text("text/html; charset=utf-8", "<!doctype html>"))
        }
    }
}

fn one(schema: &str, example: &Value) -> Value {
    json_of(&reference(schema), example)
}

/// Returns JSON under both of its names.
fn json_of(schema: &Value, example: &Value) -> Value {
    let content = json!({"schema": schema, "example": example});
    json!({"application/json": content, "text/javascript": content})
}

fn text(media: &str, example: &str) -> Value {
    json!({media: {"schema": {"type": "string"}, "example": example}})
}

fn points(schema: &str, example: &Value) -> Value {
    let mut content = one(schema, example);
    let binary = |what: &str| json!({"schema": {"description": what}});
    content["application/x-ndjson"] = json!({"schema": {"type": "string"}, "example": examples::ndjson()});
    content["text/csv"] = json!({"schema": {"type": "string"}, "example": examples::csv()});
    content["application/vnd.apache.arrow.stream"] = binary("An Apache Arrow IPC stream.");
    content["application/vnd.apache.parquet"] = binary("An Apache Parquet file.");
    content["application/zip"] = binary("An archive with a file of JSON for each metric.");
    content
}
