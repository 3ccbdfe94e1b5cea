//! Runs and experiments as MLflow's clients read them.

use mlbench_core::RunId;
use mlbench_core::experiment::Experiment;
use mlbench_core::run::Run;
use serde_json::{Number, Value, json};

use super::latest::Logged;
use super::names::{self, millis, run_id};

/// Returns an experiment.
pub(super) fn experiment(experiment: &Experiment) -> Value {
    json!({
        "experiment_id": experiment.id.to_string(),
        "name": experiment.name,
        "artifact_location": artifacts(experiment.id),
        "lifecycle_stage": stage(experiment.deleted),
        "creation_time": millis(experiment.created_at),
        "last_update_time": millis(experiment.updated_at),
        "tags": pairs(experiment.tags.iter()),
    })
}

/// Returns a run with the latest values of its metrics.
pub(super) fn run(run: &Run, experiment: i64, metrics: &[Logged]) -> Value {
    let params: Vec<Value> = run.params.iter().map(|(name, value)| pair(name, &value.to_string())).collect();
    let mut tags = pairs(run.tags.iter().filter(|(name, _)| !names::is_internal(name)));
    if run.tags.get(names::RUN_NAME).is_none() {
        tags.push(pair(names::RUN_NAME, run.name.as_str()));
    }
    let metrics: Vec<Value> = metrics.iter().map(|point| metric(point, None)).collect();
    json!({
        "info": info(run, experiment),
        "data": { "metrics": metrics, "params": params, "tags": tags },
        "inputs": {},
    })
}

/// Returns what a run is, without its data.
pub(super) fn info(run: &Run, experiment: i64) -> Value {
    let (id, status) = (run_id(run.id), names::status(run));
    let mut info = json!({
        "run_id": id,
        "run_uuid": id,
        "run_name": name(run),
        "experiment_id": experiment.to_string(),
        "user_id": run.tags.get(names::USER).unwrap_or_default(),
        "status": status,
        "start_time": millis(run.created_at),
        "artifact_uri": format!("{}/{id}/artifacts", artifacts(experiment)),
        "lifecycle_stage": stage(is_deleted(run)),
    });
    if let Some(end) = end(run) {
        info["end_time"] = end.into();
    }
    info
}

/// Returns the name of a run, which a client may have changed.
pub(super) fn name(run: &Run) -> &str {
    run.tags.get(names::RUN_NAME).unwrap_or(run.name.as_str())
}

/// Returns when a run ended, in milliseconds since 1970.
pub(super) fn end(run: &Run) -> Option<i64> {
    let has_ended = !["RUNNING", "SCHEDULED"].contains(&names::status(run));
    run.finished_at.filter(|_| has_ended).map(millis)
}

/// Returns whether a client has deleted a run.
pub(super) fn is_deleted(run: &Run) -> bool {
    run.tags.get(names::DELETED).is_some()
}

/// Returns a point of a metric.
pub(super) fn metric(point: &Logged, run: Option<RunId>) -> Value {
    let Logged { key, value, timestamp, step } = point;
    let mut metric =
        json!({ "key": key.as_str(), "value": number(*value), "timestamp": timestamp, "step": step });
    if let Some(run) = run {
        metric["run_id"] = run_id(run).into();
    }
    metric
}

/// Returns a number, or the text by which clients know one that JSON lacks.
fn number(value: f64) -> Value {
    let text = || mlbench_core::MetricValue::from(value).as_str().into();
    Number::from_f64(value).map_or_else(text, Value::Number)
}

fn pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<Value> {
    pairs.map(|(key, value)| pair(key, value)).collect()
}

fn pair(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": value })
}

const fn stage(deleted: bool) -> &'static str {
    if deleted { "deleted" } else { "active" }
}

/// Returns an address that clients accept. The server stores nothing that they send there.
pub(super) fn artifacts(experiment: i64) -> String {
    format!("mlflow-artifacts:/{experiment}")
}
