//! The operations of MLflow's protocol, and why there are no others.

use bytes::Bytes;
use hyper::Method;
use mlbench_core::quote::shorten;
use mlbench_core::{Error, ErrorCode, Result};
use serde_json::Value;

use super::call::Call;
use crate::app::App;
use crate::app::access::Grant;
use crate::app::mlflow::{self, Args, Refusal, Sender};

/// Executes a call.
///
/// # Errors
/// Those of its operation, and for an operation that this server does not have.
pub(super) async fn answer(app: &App, call: &Call, sender: Sender, args: Args<'_>) -> Result<Bytes, Refusal> {
    let operation = if call.service == "mlflow" { call.operation.as_str() } else { "" };
    let (get, post) = (call.method == Method::GET, call.method == Method::POST);
    check(sender.grant, operation, args)?;
    match operation {
        "experiments/search" if get || post => mlflow::search_experiments(app, args).await,
        "runs/search" if post => mlflow::search_runs(app, args).await,
        "metrics/get-history" if get => mlflow::history(app, args).await,
        "metrics/get-history-bulk" if get => mlflow::history_of_many(app, args).await,
        _ => Ok(short(app, call, sender, args).await?.to_string().into()),
    }
}

/// Executes a call whose response is short.
async fn short(app: &App, call: &Call, sender: Sender, args: Args<'_>) -> Result<Value, Refusal> {
    let operation = if call.service == "mlflow" { call.operation.as_str() } else { "" };
    let (get, post) = (call.method == Method::GET, call.method == Method::POST);
    let patch = call.method == Method::PATCH;
    if let Some(model) = operation.strip_prefix("logged-models/") {
        let (id, part) = model.split_once('/').unwrap_or((model, ""));
        return match part {
            "" if get || patch => mlflow::model(app, id, args).await,
            "params" if post => mlflow::model(app, id, args).await,
            "tags" if patch => mlflow::model(app, id, args).await,
            _ => Err(Refusal::unsupported(unsupported(call))),
        };
    }
    match operation {
        "" if call.service == "mlflow-artifacts" && call.method == Method::PUT => {
            mlflow::drop_file(app, &call.operation).await
        }
        "logged-models" if post => mlflow::create_model(app, args).await,
        "experiments/create" if post => mlflow::create_experiment(app, args).await,
        "experiments/get" if get => mlflow::experiment(app, args).await,
        "experiments/get-by-name" if get => mlflow::experiment_named(app, args).await,
        "experiments/delete" if post => mlflow::delete_experiment(app, args).await,
        "experiments/restore" if post => mlflow::restore_experiment(app, args).await,
        "experiments/set-experiment-tag" if post => mlflow::set_experiment_tag(app, args).await,
        "experiments/delete-experiment-tag" if post => mlflow::delete_experiment_tag(app, args).await,
        "runs/create" if post => mlflow::create_run(app, args).await,
        "runs/get" if get => mlflow::run(app, args).await,
        "runs/update" if post => mlflow::update_run(app, args).await,
        "runs/delete" if post => mlflow::delete_run(app, args).await,
        "runs/restore" if post => mlflow::restore_run(app, args).await,
        "runs/set-tag" if post => mlflow::set_tag(app, args).await,
        "runs/delete-tag" if post => mlflow::delete_tag(app, args).await,
        "runs/log-metric" if post => mlflow::log_metric(app, sender, args).await,
        "runs/log-parameter" if post => mlflow::log_param(app, args).await,
        "runs/log-batch" if post => mlflow::log_batch(app, sender, args).await,
        "runs/log-inputs" if post => mlflow::log_inputs(app, args).await,
        "runs/outputs" if post => mlflow::log_outputs(app, args).await,
        _ => Err(Refusal::unsupported(unsupported(call))),
    }
}

/// What the token of a run may call, for that run.
const OF_ONE_RUN: [&str; 8] = [
    "runs/get",
    "runs/update",
    "runs/set-tag",
    "runs/delete-tag",
    "runs/log-metric",
    "runs/log-parameter",
    "runs/log-batch",
    "metrics/get-history",
];

fn check(grant: Grant, operation: &str, args: Args<'_>) -> Result<()> {
    if grant == Grant::Full {
        return Ok(());
    }
    if OF_ONE_RUN.contains(&operation) {
        return grant.check_run(args.run_id()?);
    }
    let problem = "token: may only read one run and log to it; send the token of this server";
    Err(Error::new(ErrorCode::Forbidden, problem))
}

/// Says what this server does not have.
fn unsupported(call: &Call) -> String {
    let resource = call.operation.split('/').next().unwrap_or_default();
    let what = match (call.service.as_str(), resource, call.operation.as_str()) {
        ("mlflow-artifacts", ..) | (_, "artifacts" | "logged-models", _) | (_, _, "runs/log-model") => {
            mlflow::NO_FILES
        }
        (_, "registered-models" | "model-versions", _) => "the model registry: this server has none",
        (_, "traces", _) => "traces: this server stores none",
        (_, _, "experiments/update") => {
            "an experiment keeps its name, which is a tag of its runs; create another one"
        }
        _ => {
            let Call { method, operation, .. } = call;
            let (method, operation) = (shorten(method.as_str()), shorten(operation));
            return format!(
                "{method} {operation}: this server does not have that operation of MLflow's protocol"
            );
        }
    };
    what.to_owned()
}
