//! Where a client goes from a response.

use serde_json::{Value, json};

use crate::api::Endpoint;

/// Returns the links of the response of success, or null.
pub(super) fn of(endpoint: Endpoint) -> Value {
    let id = |name: &str| json!({name: "$response.body#/id"});
    let link = |to: Endpoint, parameters: Value, description: &str| {
        let operation = to.spec().id;
        (
            operation.replace('.', "_"),
            json!({"operationId": operation, "parameters": parameters, "description": description}),
        )
    };
    let run = |to: Endpoint, description: &str| link(to, id("id"), description);
    let links = match endpoint {
        Endpoint::CreateRun => vec![
            run(Endpoint::GetRun, "The run as it is later."),
            run(Endpoint::UpdateRun, "Adds parameters and changes tags."),
            run(Endpoint::StopRun, "Stops the run."),
            run(Endpoint::DeleteRun, "Deletes the run."),
            run(Endpoint::GetRunLogs, "The output of the run."),
            run(Endpoint::AppendRunLogs, "Stores lines of an external run."),
            run(Endpoint::ListRunSeries, "The metrics of the run."),
            link(Endpoint::CompareRuns, id("runs"), "The run with others."),
            link(
                Endpoint::GetMetrics,
                json!({"pod_name_or_run_id": "$response.body#/id", "metric_type": "run"}),
                "The points of the run.",
            ),
        ],
        Endpoint::ListRuns => {
            vec![link(Endpoint::GetRun, json!({"id": "$response.body#/0/id"}), "A run with its output.")]
        }
        Endpoint::ListPods => vec![
            link(Endpoint::ListPodSeries, json!({"name": "$response.body#/0/name"}), "The metrics of a pod."),
            link(
                Endpoint::GetMetrics,
                json!({"pod_name_or_run_id": "$response.body#/0/name"}),
                "The points of a pod.",
            ),
        ],
        Endpoint::GetRunLogs => vec![link(
            Endpoint::GetRunLogs,
            json!({"id": "$request.path.id", "after": "$response.body#/next"}),
            "The next page.",
        )],
        _ => return Value::Null,
    };
    links.into_iter().collect::<serde_json::Map<_, _>>().into()
}
