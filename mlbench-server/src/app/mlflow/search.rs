//! Searches for runs.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

use mlbench_core::run::Run;
use mlbench_core::storage::{LabelFilter, RunKeyValue, RunOrder, RunsCursor, RunsFound, RunsSearch, SortKey};
use mlbench_core::{Error, MetricName, Result, RunId};
use serde_json::{Value, json};

use super::args::Args;
use super::experiments::{Experiments, deleted_ones};
use super::filter::{Attribute, Filter, Found, Key, Order, Rank, Subject, parse_filter, parse_orders};
use super::latest::{Logged, latest};
use super::names::{self, millis};
use super::refusal::Refusal;
use super::view;
use crate::app::context::App;

/// Most runs of a page.
const MAX_RESULTS: usize = 50_000;
/// Runs of a page without `max_results`.
const DEFAULT_RESULTS: usize = 1_000;
/// Runs that are read from the store at once.
const READ: u32 = 500;

const fn attribute(name: &'static str, alias: &'static str, number: bool) -> Attribute {
    Attribute { name, alias, number }
}

const ATTRIBUTES: [Attribute; 6] = [
    attribute("run_id", "run_uuid", false),
    attribute("run_name", "run name", false),
    attribute("status", "", false),
    attribute("user_id", "user", false),
    attribute("start_time", "created", true),
    attribute("end_time", "", true),
];

/// Returns the runs of some experiments that a filter selects, in their order, a page at a time.
///
/// # Errors
/// [`InvalidField`](mlbench_core::ErrorCode::InvalidField) naming the argument.
pub async fn search_runs(app: &App, args: Args<'_>) -> Result<Value, Refusal> {
    let experiments = Experiments::read(app).await?;
    let search = Search::read(args, &experiments)?;
    let (runs, next) = if search.orders.is_empty() {
        search.newest(app, &experiments).await?
    } else {
        search.sorted(app, &experiments).await?
    };
    let mut found = Vec::with_capacity(runs.len());
    for run in runs {
        let metrics = latest(app, run.id, Arc::from([])).await?;
        found.push(view::run(&run, experiments.of(&run), &metrics));
    }
    let mut response = json!({ "runs": found });
    if let Some(next) = next {
        response["next_page_token"] = names::run_id(next).into();
    }
    Ok(response)
}

/// A search.
struct Search {
    experiments: HashSet<i64>,
    /// The tag of the runs, if all of them have the same.
    tag: Option<String>,
    filter: Filter,
    orders: Vec<Order>,
    /// The metrics that filter and orders look at.
    metrics: Arc<[MetricName]>,
    /// Which runs: deleted ones, others, or both.
    deleted: Option<bool>,
    limit: usize,
    /// The last run of the page before.
    after: Option<RunId>,
}

impl Search {
    fn read(args: Args<'_>, all: &Experiments) -> Result<Self> {
        let filter = parse_filter(args.text("filter")?.unwrap_or_default(), &ATTRIBUTES)?;
        let orders = parse_orders(&args.texts("order_by")?, &ATTRIBUTES)?;
        let of_filter = filter.metrics().map(|name| names::metric("filter", name));
        let of_orders = orders.iter().filter_map(|order| match &order.key {
            Key::Metric(name) => Some(names::metric("order_by", name)),
            _ => None,
        });
        let metrics = of_filter.chain(of_orders).collect::<Result<_>>()?;
        let ids = args.texts("experiment_ids")?;
        let experiments = ids.iter().filter_map(|id| all.get(id).ok()).collect::<Vec<_>>();
        let tag = match *experiments {
            [only] if only.id != 0 => Some(only.name.clone()),
            _ => None,
        };
        let deleted = deleted_ones(args, "run_view_type")?;
        let token = args.text("page_token")?.filter(|token| !token.is_empty());
        Ok(Self {
            experiments: experiments.iter().map(|experiment| experiment.id).collect(),
            tag,
            filter,
            orders,
            metrics,
            deleted,
            limit: args.count("max_results", 1, MAX_RESULTS)?.unwrap_or(DEFAULT_RESULTS),
            after: token.map(names::parse_run_id).transpose().map_err(|_| bad_token())?,
        })
    }

    /// Reads the newest runs first, which is the order without another one, and stops at the limit.
    async fn newest(&self, app: &App, experiments: &Experiments) -> Result<(Vec<Run>, Option<RunId>)> {
        let after = match self.after {
            Some(id) => Some(position(&app.storage.run(id).await.map_err(|_| bad_token())?)),
            None => None,
        };
        let mut reader = Candidates::new(self, after);
        let mut found: Vec<Run> = Vec::new();
        while let Some(runs) = reader.next(app).await? {
            for run in runs {
                if self.select(app, experiments, &run).await?.is_none() {
                    continue;
                }
                if found.len() == self.limit {
                    let next = found.last().map(|run| run.id);
                    return Ok((found, next));
                }
                found.push(run);
            }
        }
        Ok((found, None))
    }

    /// Ranks all runs that are selected, and returns those of the page.
    async fn sorted(&self, app: &App, experiments: &Experiments) -> Result<(Vec<Run>, Option<RunId>)> {
        let mut reader = Candidates::new(self, None);
        let mut ranked: Vec<(Vec<Rank>, RunId)> = Vec::new();
        while let Some(runs) = reader.next(app).await? {
            for run in runs {
                if let Some(metrics) = self.select(app, experiments, &run).await? {
                    let subject = Ranked { run: &run, metrics: &metrics };
                    ranked.push((self.orders.iter().map(|order| order.rank(&subject)).collect(), run.id));
                }
            }
        }
        // Stable, so that equal ones stay in the order of the newest first.
        ranked.sort_by(|(a, _), (b, _)| self.compare(a, b));
        let begin = match self.after {
            Some(id) => ranked.iter().position(|(_, other)| *other == id).ok_or_else(bad_token)? + 1,
            None => 0,
        };
        let page = &ranked[begin..ranked.len().min(begin + self.limit)];
        let is_last = begin + page.len() == ranked.len();
        let next = page.last().filter(|_| !is_last).map(|(_, id)| *id);
        let mut runs = Vec::with_capacity(page.len());
        for (_, id) in page {
            runs.push(app.storage.run(*id).await?);
        }
        Ok((runs, next))
    }

    fn compare(&self, a: &[Rank], b: &[Rank]) -> Ordering {
        let each = self.orders.iter().zip(a.iter().zip(b)).map(|(order, (a, b))| order.compare(a, b));
        each.fold(Ordering::Equal, Ordering::then)
    }

    /// Returns the metrics of a run that the search looks at, if it selects the run.
    async fn select(&self, app: &App, experiments: &Experiments, run: &Run) -> Result<Option<Vec<Logged>>> {
        let is_shown = self.deleted.is_none_or(|deleted| deleted == view::is_deleted(run));
        let without = Ranked { run, metrics: &[] };
        if !is_shown || !self.experiments.contains(&experiments.of(run)) || !self.filter.may_select(&without)
        {
            return Ok(None);
        }
        let metrics = match self.metrics.is_empty() {
            true => Vec::new(),
            false => latest(app, run.id, Arc::clone(&self.metrics)).await?,
        };
        let selected = self.filter.selects(&Ranked { run, metrics: &metrics });
        Ok(selected.then_some(metrics))
    }
}

/// Reads runs, the newest first.
struct Candidates {
    next: Option<RunsSearch>,
}

impl Candidates {
    fn new(search: &Search, after: Option<RunsCursor>) -> Self {
        let tag =
            |name: &String| LabelFilter { name: names::EXPERIMENT.to_owned(), value: Some(name.clone()) };
        let tags = search.tag.iter().map(tag).collect();
        let order = RunOrder { key: SortKey::Created, descending: true };
        let query = RunsSearch { tags, order, after, limit: READ, ..RunsSearch::default() };
        Self { next: Some(query).filter(|_| !search.experiments.is_empty()) }
    }

    async fn next(&mut self, app: &App) -> Result<Option<Vec<Run>>> {
        let Some(query) = self.next.take() else { return Ok(None) };
        let RunsFound { runs, next } = app.storage.find_runs(query.clone()).await?;
        self.next = next.map(|after| RunsSearch { after: Some(after), ..query });
        Ok(Some(runs))
    }
}

fn position(run: &Run) -> RunsCursor {
    RunsCursor { key: RunKeyValue::Number(run.created_at.as_micros()), id: run.id }
}

fn bad_token() -> Error {
    Error::invalid("page_token", "is none of this search, or its run is gone; begin with the first page")
}

/// A run with the metrics that a search looks at.
struct Ranked<'a> {
    run: &'a Run,
    metrics: &'a [Logged],
}

impl Subject for Ranked<'_> {
    fn find(&self, key: &Key) -> Option<Found<'_>> {
        let text = |text| Found::Text(Cow::Borrowed(text));
        #[expect(clippy::cast_precision_loss, reason = "exact for all years up to 9999")]
        let time = |millis: i64| Found::Number(millis as f64);
        let run = self.run;
        match key {
            Key::Metric(name) => {
                let found = self.metrics.iter().find(|metric| metric.key.as_str() == name);
                found.map(|metric| Found::Number(metric.value))
            }
            Key::Param(name) => run.params.get(name).map(|value| Found::Text(value.to_string().into())),
            Key::Tag(name) if name == names::RUN_NAME => Some(text(view::name(run))),
            Key::Tag(name) if names::is_internal(name) => None,
            Key::Tag(name) => run.tags.get(name).map(text),
            Key::Attribute("run_id") => Some(Found::Text(names::run_id(run.id).into())),
            Key::Attribute("run_name") => Some(text(view::name(run))),
            Key::Attribute("status") => Some(text(names::status(run))),
            Key::Attribute("user_id") => run.tags.get(names::USER).map(text),
            Key::Attribute("start_time") => Some(time(millis(run.created_at))),
            Key::Attribute("end_time") => view::end(run).map(time),
            Key::Attribute(_) => None,
        }
    }
}
