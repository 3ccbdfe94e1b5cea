//! Runs: creation, end, tags, deletion.

use std::collections::BTreeMap;
use std::sync::Arc;

use mlbench_core::environment::Environment;
use mlbench_core::labels::{Params, Tags, TagsPatch};
use mlbench_core::needs::RunNeeds;
use mlbench_core::quote::quote;
use mlbench_core::run::{NewRun, Run, RunOutcome, RunSpec};
use mlbench_core::storage::{Admission, ExternalEnd, RunStart, RunUpdate};
use mlbench_core::{Error, Result, RunEvent, RunId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::args::Args;
use super::experiments::tag;
use super::latest::latest;
use super::lookup::{DEFAULT, by_id, of_run};
use super::refusal::Refusal;
use super::{names, view};
use crate::app::context::App;
use crate::app::runs::change;

/// Creates a run in an experiment.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound) for an unknown experiment, or naming the argument.
pub async fn create_run(app: &App, args: Args<'_>) -> Result<Value, Refusal> {
    let experiment = by_id(app, args.text("experiment_id")?.unwrap_or("0")).await?;
    if experiment.deleted {
        let rule = format_args!("experiment {} is deleted; restore it or use another one", experiment.id);
        return Err(Error::invalid("experiment_id", rule).into());
    }
    let mut tags = tags_of(args)?;
    if let Some(user) = args.text("user_id")?.filter(|user| !user.is_empty()) {
        tags.entry(names::USER.to_owned()).or_insert_with(|| user.to_owned());
    }
    let named = args.text("run_name")?.filter(|name| !name.is_empty()).map(ToOwned::to_owned);
    let (name, id) = (named.or_else(|| tags.get(names::RUN_NAME).cloned()), Uuid::new_v4());
    let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| invented_name(id));
    tags.insert(names::RUN_NAME.to_owned(), name.clone());
    if experiment.id != DEFAULT {
        tags.insert(names::EXPERIMENT.to_owned(), experiment.name.clone());
    }
    let spec = spec(tags.get(names::SOURCE).cloned().unwrap_or_default());
    let new = NewRun { tags: Tags::new(tags)?, ..NewRun::new(names::run_name(&name)?, id, spec) };
    let now = app.clock.now();
    let began = args.whole("start_time")?.map(|millis| names::time("start_time", millis)).transpose()?;
    let start = RunStart { new, admission: Admission::External { watched: false }, key: None };
    // A clock that is ahead makes no run of the future.
    let run = app.storage.start_run(start, began.map_or(now, |began| began.min(now))).await?.run;
    Ok(json!({ "run": view::run(&run, experiment.id, &[]) }))
}

fn spec(command: String) -> RunSpec {
    RunSpec {
        num_workers: 1,
        num_cpus: None,
        max_bandwidth: None,
        image: None,
        command,
        backend: None,
        gpu_enabled: false,
        light_target: false,
        use_horovod: false,
        environment: Environment::default(),
        needs: RunNeeds::default(),
        external: true,
    }
}

/// Returns a name for a run without one, as MLflow does.
fn invented_name(id: Uuid) -> String {
    const FIRST: [&str; 16] = [
        "able", "bold", "calm", "deft", "eager", "fair", "glad", "keen", "light", "merry", "neat", "proud",
        "quick", "quiet", "rare", "swift",
    ];
    const SECOND: [&str; 16] = [
        "ant", "bee", "crane", "dove", "elk", "finch", "goose", "hare", "ibis", "jay", "koi", "lark", "mink",
        "newt", "owl", "pike",
    ];
    let bytes = id.as_bytes();
    let pick = |words: [&'static str; 16], byte: u8| words[usize::from(byte % 16)];
    format!("{}-{}-{}", pick(FIRST, bytes[0]), pick(SECOND, bytes[1]), u16::from(bytes[2]) + 100)
}

/// Returns a run with the latest values of its metrics.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound).
pub async fn run(app: &App, args: Args<'_>) -> Result<Value, Refusal> {
    let run = app.storage.run(args.run_id()?).await?;
    let metrics = latest(app, run.id, Arc::from([])).await?;
    Ok(json!({ "run": view::run(&run, of_run(app, &run).await?, &metrics) }))
}

/// Changes the status or the name of a run.
///
/// A run that has ended stays as it is here. A client that resumes it, and ends it again, sees its own status.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound), or naming the argument.
pub async fn update_run(app: &App, args: Args<'_>) -> Result<Value, Refusal> {
    let id = args.run_id()?;
    let run = app.storage.run(id).await?;
    let mut update = RunUpdate::default();
    let mut tags: Vec<(String, Option<String>)> = Vec::new();
    if let Some(name) = args.text("run_name")?.filter(|name| !name.is_empty()) {
        tags.push((names::RUN_NAME.to_owned(), Some(name.to_owned())));
    }
    let status = args.text("status")?.filter(|status| !status.is_empty());
    let event = status.map_or(Ok(None), event)?;
    // The server decides how a run ends that it launched.
    if let Some(status) = status.filter(|_| run.spec.external) {
        let is_active = run.state.is_active();
        // What goes on waits for nothing here.
        let status = if event.is_none() { names::RUNNING } else { status };
        let given = Some(status.to_owned()).filter(|_| !is_active && status != names::status_of(run.state));
        tags.push((names::STATUS.to_owned(), given));
        update.end = event.filter(|_| is_active).map(|event| end(app, &run, event, args)).transpose()?;
    }
    update.tags = TagsPatch::new(tags)?;
    let run = change(app, id, update).await?;
    Ok(json!({ "run_info": view::info(&run, of_run(app, &run).await?) }))
}

/// Reads a status: how a run ends, or `None` for one that goes on.
fn event(status: &str) -> Result<Option<RunEvent>> {
    match status {
        "RUNNING" | "SCHEDULED" => Ok(None),
        "FINISHED" => Ok(Some(RunEvent::Finish)),
        "FAILED" => Ok(Some(RunEvent::Fail)),
        "KILLED" => Ok(Some(RunEvent::Stop)),
        _ => {
            let rule = "must be RUNNING, SCHEDULED, FINISHED, FAILED or KILLED";
            Err(Error::invalid("status", format_args!("{rule}, not {}", quote(status))))
        }
    }
}

fn end(app: &App, run: &Run, event: RunEvent, args: Args<'_>) -> Result<ExternalEnd> {
    let now = app.clock.now();
    let given = args.whole("end_time")?.map(|millis| names::time("end_time", millis)).transpose()?;
    let at = given.map_or(now, |end| end.min(now)).max(run.created_at);
    Ok(ExternalEnd { outcome: RunOutcome { event, reason: None, at }, exit_codes: BTreeMap::new() })
}

/// Marks a run as deleted. It stays here, with the tag that says so.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound).
pub async fn delete_run(app: &App, args: Args<'_>) -> Result<Value, Refusal> {
    let at = app.clock.now().to_string();
    mark(app, args, Some(at)).await
}

/// Restores a deleted run.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound).
pub async fn restore_run(app: &App, args: Args<'_>) -> Result<Value, Refusal> {
    mark(app, args, None).await
}

async fn mark(app: &App, args: Args<'_>, deleted: Option<String>) -> Result<Value, Refusal> {
    let tags = TagsPatch::new([(names::DELETED.to_owned(), deleted)])?;
    change(app, args.run_id()?, RunUpdate { tags, ..RunUpdate::default() }).await?;
    Ok(json!({}))
}

/// Sets a tag of a run.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound), or naming the argument.
pub async fn set_tag(app: &App, args: Args<'_>) -> Result<Value, Refusal> {
    let (id, (name, text)) = (args.run_id()?, tag(args)?);
    set(app, id, (name, Some(text))).await
}

/// Removes a tag of a run.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound), also for a tag that does not exist.
pub async fn delete_tag(app: &App, args: Args<'_>) -> Result<Value, Refusal> {
    let (id, name) = (args.run_id()?, args.required("key")?);
    if app.storage.run(id).await?.tags.get(name).is_none() {
        return Err(Error::not_found(format_args!("tag {} of run {id}", quote(name))).into());
    }
    set(app, id, (name.to_owned(), None)).await
}

async fn set(app: &App, id: RunId, tag: (String, Option<String>)) -> Result<Value, Refusal> {
    check_free(&tag.0)?;
    change(app, id, RunUpdate { tags: TagsPatch::new([tag])?, ..RunUpdate::default() }).await?;
    Ok(json!({}))
}

/// Sets tags of a run. The last of equal names counts.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound), or naming the tag.
pub(super) async fn set_tags(app: &App, id: RunId, tags: Vec<(String, String)>) -> Result<Run> {
    label(app, id, Params::default(), tags.into_iter().collect()).await
}

/// Adds parameters to a run and sets tags, in one transaction.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound), or naming the parameter or the tag.
pub(super) async fn label(
    app: &App,
    id: RunId,
    params: Params,
    tags: BTreeMap<String, String>,
) -> Result<Run> {
    let tags = TagsPatch::new(tags.into_iter().map(|(name, text)| (name, Some(text))))?;
    change(app, id, RunUpdate { params, tags, end: None }).await
}

/// Reads the tags of a call. The last of equal names counts.
///
/// # Errors
/// [`InvalidField`](mlbench_core::ErrorCode::InvalidField).
pub(super) fn tags_of(args: Args<'_>) -> Result<BTreeMap<String, String>> {
    let tags = args.objects("tags")?.into_iter().map(|args| {
        let (name, text) = tag(args)?;
        check_free(&name)?;
        Ok((name, text))
    });
    tags.collect()
}

fn check_free(name: &str) -> Result<()> {
    match names::is_internal(name) {
        true => Err(Error::invalid("key", format_args!("{name} has a meaning of its own; use another name"))),
        false => Ok(()),
    }
}
