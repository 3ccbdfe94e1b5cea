//! What autologging sends on its own: models, data sets and files.
//!
//! The server stores no files. Autologging logs them before its metrics and gives up where one is refused. So those of a
//! run that autologging describes are accepted and dropped, and the log of the run says so.

use mlbench_core::quote::{quote, shorten};
use mlbench_core::run::Run;
use mlbench_core::{Error, Result};
use serde_json::{Value, json};

use super::args::Args;
use super::lookup::of_run;
use super::names::{self, millis, run_id};
use super::refusal::Refusal;
use super::runs::set_tags;
use super::view;
use crate::app::context::App;

/// The tags of a run that autologging describes.
const TAGS: [&str; 2] = ["estimator_name", "mlflow.autologging"];
/// The files that autologging writes besides its models.
const FILES: [&str; 3] = ["estimator.html", "cv_results.csv", "metric_info.json"];
/// The statuses of a model, of which a new one has the first.
const STATUSES: [&str; 3] = ["LOGGED_MODEL_PENDING", "LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED"];
/// The start of the id of a model, before that of its run.
const MODEL: &str = "m-";
/// Why files and models are refused.
pub const NO_FILES: &str = "artifacts and models: this server stores metrics, parameters and tags, but no files; keep files where the program runs";

/// Drops a file that autologging uploads.
///
/// The path is `artifacts/EXPERIMENT/RUN/artifacts/estimator.html`, for example.
///
/// # Errors
/// That of every other file.
pub async fn drop_file(app: &App, path: &str) -> Result<Value, Refusal> {
    let mut segments = path.splitn(5, '/');
    let mut next = || segments.next().unwrap_or_default();
    let (root, experiment, run, kind, file) = (next(), next(), next(), next(), next());
    if root != "artifacts" {
        return Err(Refusal::unsupported(NO_FILES));
    }
    let is_plot = file.starts_with("training_") && file.ends_with(".png");
    let of_model = kind == "models";
    if !of_model && !is_plot && !FILES.contains(&file) {
        return Err(Refusal::unsupported(NO_FILES));
    }
    let run = described(app, run).await?;
    if experiment != of_run(app, &run).await?.to_string() {
        return Err(
            Error::not_found(format_args!("run {} in experiment {}", run.id, quote(experiment))).into()
        );
    }
    if !of_model {
        tell(app, &run, &format!("file {} of autologging", quote(file))).await?;
    }
    Ok(json!({}))
}

/// Creates a model of a run that autologging describes. Its files are dropped.
///
/// # Errors
/// That of every other model.
pub async fn create_model(app: &App, args: Args<'_>) -> Result<Value, Refusal> {
    let run = described(app, args.text("source_run_id")?.unwrap_or_default()).await?;
    let name = args.text("name")?.unwrap_or_default();
    tell(app, &run, &format!("model {} of autologging", quote(name))).await?;
    model_of(app, &run, name, STATUSES[0]).await
}

/// Returns a model of a run that autologging describes.
///
/// A change of it is accepted and dropped; only the response has its status.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound), that of every other model, or naming the status.
pub async fn model(app: &App, id: &str, args: Args<'_>) -> Result<Value, Refusal> {
    let missing = || Error::not_found(format_args!("model {}", quote(id)));
    let run = described(app, id.strip_prefix(MODEL).ok_or_else(missing)?).await?;
    let status = args.text("status")?.unwrap_or(STATUSES[0]);
    if !STATUSES.contains(&status) {
        let rule = format_args!("must be {}, not {}", STATUSES.join(" or "), quote(status));
        return Err(Error::invalid("status", rule).into());
    }
    model_of(app, &run, "model", status).await
}

/// Accepts that models belong to a run that autologging describes.
///
/// # Errors
/// That of every other run.
pub async fn log_outputs(app: &App, args: Args<'_>) -> Result<Value, Refusal> {
    described(app, &run_id(args.run_id()?)).await?;
    Ok(json!({}))
}

/// Stores the name and the digest of each data set of a run as a tag.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound), or naming the argument.
pub async fn log_inputs(app: &App, args: Args<'_>) -> Result<Value, Refusal> {
    let id = args.run_id()?;
    let mut tags = Vec::new();
    for input in args.objects("datasets")? {
        let Some(dataset) = input.object("dataset")? else { continue };
        let name: String =
            dataset.required("name")?.chars().filter(|c| *c != '=' && !c.is_control()).take(200).collect();
        let digest = shorten(dataset.text("digest")?.unwrap_or_default()).into_owned();
        tags.push((format!("mlflow.dataset.{name}"), digest));
    }
    set_tags(app, id, tags).await?;
    Ok(json!({}))
}

/// Returns a run if autologging describes it.
async fn described(app: &App, id: &str) -> Result<Run, Refusal> {
    let run = match names::parse_run_id(id) {
        Ok(id) => app.storage.run(id).await?,
        Err(_) => return Err(Refusal::unsupported(NO_FILES)),
    };
    let is_described = TAGS.iter().any(|tag| run.tags.get(tag).is_some());
    if is_described { Ok(run) } else { Err(Refusal::unsupported(NO_FILES)) }
}

/// Says in the log of a run what is not stored.
async fn tell(app: &App, run: &Run, what: &str) -> Result<()> {
    let text = format!("{what} is dropped: this server stores no files");
    app.storage.append_server_message(run.id, &text, app.clock.now()).await
}

async fn model_of(app: &App, run: &Run, name: &str, status: &str) -> Result<Value, Refusal> {
    let (experiment, source) = (of_run(app, run).await?, run_id(run.id));
    let (id, created) = (format!("{MODEL}{source}"), millis(run.created_at));
    let address = format!("{}/{source}/models/{id}", view::artifacts(experiment));
    let info = json!({
        "model_id": id,
        "experiment_id": experiment.to_string(),
        "name": name,
        "creation_timestamp_ms": created,
        "last_updated_timestamp_ms": created,
        "artifact_uri": address,
        "status": status,
        "source_run_id": source,
    });
    Ok(json!({ "model": { "info": info, "data": {} } }))
}
