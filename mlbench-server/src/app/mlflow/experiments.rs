//! Experiments.

use std::cmp::Ordering;

use bytes::Bytes;
use mlbench_core::experiment::{Experiment, ExperimentQuery, ExperimentWrite};
use mlbench_core::labels::{Tags, TagsPatch};
use mlbench_core::quote::quote;
use mlbench_core::{Error, Result, Timestamp};
use serde_json::{Value, json};

use super::args::Args;
use super::filter::{Attribute, Found, Key, Order, Rank, Subject, parse_filter, parse_orders};
use super::list::List;
use super::lookup::{DEFAULT, by_id, by_name, default_one, missing, parse_id};
use super::names;
use super::refusal::Refusal;
use super::view;
use crate::app::context::App;

/// Most experiments of a page.
const MAX_RESULTS: usize = 50_000;

const ATTRIBUTES: [Attribute; 4] = [
    Attribute { name: "name", alias: "", number: false },
    Attribute { name: "experiment_id", alias: "", number: false },
    Attribute { name: "creation_time", alias: "created", number: true },
    Attribute { name: "last_update_time", alias: "last_updated", number: true },
];

/// Creates an experiment.
///
/// # Errors
/// Those of [`Experiment::check_name`], and when one has this name.
pub async fn create_experiment(app: &App, args: Args<'_>) -> Result<Value, Refusal> {
    let name = args.required("name")?.to_owned();
    Experiment::check_name(&name)?;
    let tags = args.objects("tags")?.into_iter().map(tag).collect::<Result<Vec<_>>>()?;
    let taken = || {
        let detail =
            format!("name: the experiment {} is there already; use it or another name", quote(&name));
        Err(Refusal::exists(detail))
    };
    if name == default_one().name {
        return taken();
    }
    let write = ExperimentWrite::Create { name: name.clone(), tags: Tags::new(tags)? };
    match app.storage.write_experiment(write, app.clock.now()).await? {
        (experiment, true) => Ok(json!({ "experiment_id": experiment.id.to_string() })),
        (_, false) => taken(),
    }
}

/// Returns the experiment of a number.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound).
pub async fn experiment(app: &App, args: Args<'_>) -> Result<Value, Refusal> {
    let found = by_id(app, args.required("experiment_id")?).await?;
    Ok(json!({ "experiment": view::experiment(&found) }))
}

/// Returns the experiment of a name.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound).
pub async fn experiment_named(app: &App, args: Args<'_>) -> Result<Value, Refusal> {
    let name = args.required("experiment_name")?;
    let found = by_name(app, name).await?.ok_or_else(|| missing(name))?;
    Ok(json!({ "experiment": view::experiment(&found) }))
}

/// Returns the experiments that a filter selects, in their order, a page at a time.
///
/// # Errors
/// [`InvalidField`](mlbench_core::ErrorCode::InvalidField) naming the argument.
pub async fn search_experiments(app: &App, args: Args<'_>) -> Result<Bytes, Refusal> {
    let filter = parse_filter(args.text("filter")?.unwrap_or_default(), &ATTRIBUTES)?;
    let mut orders = parse_orders(&args.texts("order_by")?, &ATTRIBUTES)?;
    orders.push(Order { key: Key::Attribute("creation_time"), descending: true });
    let deleted = deleted_ones(args, "view_type")?;
    let begin = args.count("page_token", 0, usize::MAX)?.unwrap_or(0);
    let limit = args.count("max_results", 1, MAX_RESULTS)?.unwrap_or(MAX_RESULTS);
    let (mut next, mut found) = (vec![default_one()], Vec::new());
    while let Some(last) = next.last().map(|last| last.id) {
        for experiment in next {
            if deleted.is_none_or(|deleted| deleted == experiment.deleted) && filter.selects(&experiment) {
                let ranks: Vec<Rank> = orders.iter().map(|order| order.rank(&experiment)).collect();
                found.push((ranks, experiment.id));
            }
        }
        next = app.storage.experiments(ExperimentQuery::After(last)).await?;
    }
    found.sort_by(|(a, _), (b, _)| {
        let each = orders.iter().zip(a.iter().zip(b)).map(|(order, (a, b))| order.compare(a, b));
        each.fold(Ordering::Equal, Ordering::then)
    });
    let mut page = List::new("experiments");
    let mut rest = found.into_iter().skip(begin);
    while page.count() < limit && !page.is_full() {
        let Some((_, id)) = rest.next() else { return Ok(page.end(None)) };
        page.add(&view::experiment(&by_id(app, &id.to_string()).await?));
    }
    let end = begin.saturating_add(page.count());
    let next = rest.next().map(|_| end.to_string());
    Ok(page.end(next))
}

/// Reads which ones a search shows: deleted ones, others, or both.
///
/// # Errors
/// [`InvalidField`](mlbench_core::ErrorCode::InvalidField) for another word.
pub(super) fn deleted_ones(args: Args<'_>, name: &str) -> Result<Option<bool>> {
    match args.text(name)?.unwrap_or("ACTIVE_ONLY") {
        "" | "ACTIVE_ONLY" => Ok(Some(false)),
        "DELETED_ONLY" => Ok(Some(true)),
        "ALL" => Ok(None),
        _ => Err(Error::invalid(name, "must be ACTIVE_ONLY, DELETED_ONLY or ALL")),
    }
}

impl Subject for Experiment {
    fn find(&self, key: &Key) -> Option<Found<'_>> {
        #[expect(clippy::cast_precision_loss, reason = "exact for all years up to 9999")]
        let time = |time: Timestamp| Some(Found::Number(names::millis(time) as f64));
        match key {
            Key::Tag(name) => self.tags.get(name).map(|text| Found::Text(text.into())),
            Key::Attribute("name") => Some(Found::Text(self.name.as_str().into())),
            Key::Attribute("experiment_id") => Some(Found::Text(self.id.to_string().into())),
            Key::Attribute("creation_time") => time(self.created_at),
            Key::Attribute("last_update_time") => time(self.updated_at),
            Key::Metric(_) | Key::Param(_) | Key::Attribute(_) => None,
        }
    }
}

/// Marks an experiment as deleted. Its runs stay.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound).
pub async fn delete_experiment(app: &App, args: Args<'_>) -> Result<Value, Refusal> {
    change(app, args, Some(true), TagsPatch::default()).await
}

/// Restores a deleted experiment.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound).
pub async fn restore_experiment(app: &App, args: Args<'_>) -> Result<Value, Refusal> {
    change(app, args, Some(false), TagsPatch::default()).await
}

/// Sets a tag of an experiment.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound), or naming the argument.
pub async fn set_experiment_tag(app: &App, args: Args<'_>) -> Result<Value, Refusal> {
    let (name, text) = tag(args)?;
    change(app, args, None, TagsPatch::new([(name, Some(text))])?).await
}

/// Removes a tag of an experiment.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound), or naming the argument.
pub async fn delete_experiment_tag(app: &App, args: Args<'_>) -> Result<Value, Refusal> {
    change(app, args, None, TagsPatch::new([(args.required("key")?.to_owned(), None)])?).await
}

async fn change(app: &App, args: Args<'_>, deleted: Option<bool>, tags: TagsPatch) -> Result<Value, Refusal> {
    let id = parse_id(args.required("experiment_id")?)?;
    if id == DEFAULT {
        let rule = "the default experiment has all runs without another one and stays as it is";
        return Err(Error::invalid("experiment_id", rule).into());
    }
    app.storage.write_experiment(ExperimentWrite::Update { id, deleted, tags }, app.clock.now()).await?;
    Ok(json!({}))
}

/// Reads a tag: its name and its text.
///
/// # Errors
/// [`InvalidField`](mlbench_core::ErrorCode::InvalidField).
pub(super) fn tag(args: Args<'_>) -> Result<(String, String)> {
    Ok((args.required("key")?.to_owned(), args.text("value")?.unwrap_or_default().to_owned()))
}
