//! Valid requests of every endpoint.

use mlbench_core::RunId;
use mlbench_core::api::Endpoint;
use serde_json::json;

use crate::http::Request;

const FIRST_WORKER: &str = "local-mlbench-worker-0";

/// Returns the path of an endpoint for this run, or for the first local worker.
#[must_use]
pub fn example_path(endpoint: Endpoint, run: RunId) -> String {
    let of_run = endpoint.spec().path.contains("{id}");
    let segment = if of_run { run.to_string() } else { FIRST_WORKER.to_owned() };
    endpoint.path(&[&segment])
}

/// Prepares a valid request of an endpoint to `url`, for this run or the first local worker.
///
/// # Panics
/// If the URL is invalid.
#[must_use]
pub fn example_request(endpoint: Endpoint, url: &str, run: RunId) -> Request {
    let metric = json!({"run_id": run, "name": "x", "value": "1"});
    let body = match endpoint {
        Endpoint::CreateMetric => Some(metric),
        Endpoint::CreateMetrics => Some(json!([metric])),
        Endpoint::CreateRun => Some(json!({"name": "x", "custom_image_command": "true"})),
        Endpoint::AppendRunLogs => Some(json!({"lines": ["a line"]})),
        Endpoint::UpdateRun => Some(json!({"tags": {"team": "vision"}})),
        Endpoint::CreateSession => Some(json!({"token": "wrong where one is required"})),
        Endpoint::Live
        | Endpoint::Ready
        | Endpoint::GetMetrics
        | Endpoint::ListMetrics
        | Endpoint::ListRuns
        | Endpoint::ListRunValues
        | Endpoint::GetRun
        | Endpoint::DeleteRun
        | Endpoint::StopRun
        | Endpoint::ExportRun
        | Endpoint::ImportRun
        | Endpoint::GetRunLogs
        | Endpoint::CompareRuns
        | Endpoint::ListRunSeries
        | Endpoint::ListPodSeries
        | Endpoint::ListPods
        | Endpoint::GetSession
        | Endpoint::DeleteSession
        | Endpoint::Events
        | Endpoint::Prometheus
        | Endpoint::GetOpenApi
        | Endpoint::GetDocs => None,
    };
    let query = match endpoint {
        Endpoint::CompareRuns => format!("?runs={run}"),
        Endpoint::Events => "?topics=runs".to_owned(),
        _ => String::new(),
    };
    let request = Request::new(endpoint.spec().method.as_str(), &format!("{url}{query}"));
    if endpoint == Endpoint::ImportRun {
        return request.body("application/zip", include_bytes!("../data/run.zip"));
    }
    match body {
        Some(json) => request.body("application/json", json.to_string()),
        None => request,
    }
}
