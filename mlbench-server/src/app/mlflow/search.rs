//! Searches for runs.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use mlbench_core::run::Run;
use mlbench_core::storage::{LabelFilter, RunOrder, RunsCursor, RunsFound, RunsSearch, SortKey};
use mlbench_core::{ErrorCode, MetricName, Result};

use super::args::Args;
use super::experiments::deleted_ones;
use super::filter::{Attribute, Filter, Found, Key, Order, Subject, parse_filter, parse_orders};
use super::latest::{Logged, latest};
use super::list::List;
use super::lookup::{DEFAULT, Experiments};
use super::names::{self, millis};
use super::place::Place;
use super::refusal::Refusal;
use super::view;
use crate::app::context::App;

/// The list of a response.
const RUNS: &str = "runs";
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
/// A run that is deleted while the search goes on is not found, wherever the search is.
///
/// # Errors
/// [`InvalidField`](mlbench_core::ErrorCode::InvalidField) naming the argument.
pub async fn search_runs(app: &App, args: Args<'_>) -> Result<Bytes, Refusal> {
    let experiments = Experiments::read(app).await?;
    let search = Search::read(args, &experiments)?;
    let page = match search.orders.is_empty() {
        true => search.newest(app, &experiments).await,
        false => search.sorted(app, &experiments).await,
    };
    Ok(page?)
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
    /// The place of the last run of the page before.
    after: Option<Place>,
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
        let experiments = all.among(&args.texts("experiment_ids")?);
        let only = experiments.iter().next().filter(|id| experiments.len() == 1 && **id != DEFAULT);
        let tag = only.and_then(|id| all.name(*id)).map(ToOwned::to_owned);
        let deleted = deleted_ones(args, "run_view_type")?;
        let token = args.text("page_token")?.filter(|token| !token.is_empty());
        Ok(Self {
            experiments,
            tag,
            filter,
            after: token.map(|token| Place::parse(token, orders.len())).transpose()?,
            orders,
            metrics,
            deleted,
            limit: args.count("max_results", 1, MAX_RESULTS)?.unwrap_or(DEFAULT_RESULTS),
        })
    }

    /// Reads the newest runs first, which is the order without another one, and stops where the page ends.
    async fn newest(&self, app: &App, experiments: &Experiments) -> Result<Bytes> {
        let mut reader = Candidates::new(self, self.after.as_ref().map(Place::cursor));
        let (mut page, mut last) = (List::new(RUNS), None);
        while let Some(runs) = reader.next(app).await? {
            for run in runs {
                let Some(place) = self.select(app, experiments, &run).await? else { continue };
                if page.count() == self.limit || page.is_full() {
                    return Ok(page.end(last.as_ref().map(Place::token)));
                }
                add(app, experiments, &run, &mut page).await?;
                last = Some(place);
            }
        }
        Ok(page.end(None))
    }

    /// Finds the places of all runs that are selected, and reads the runs of the page.
    async fn sorted(&self, app: &App, experiments: &Experiments) -> Result<Bytes> {
        let mut reader = Candidates::new(self, None);
        let mut places = Vec::new();
        let mut has_more = false;
        while let Some(runs) = reader.next(app).await? {
            for run in runs {
                let place = self.select(app, experiments, &run).await?;
                let is_behind = |place: &Place| match &self.after {
                    Some(after) => place.compare(after, &self.orders).is_gt(),
                    None => true,
                };
                places.extend(place.filter(is_behind));
            }
            // So no search keeps many more places than those of its page.
            if places.len() / 2 >= self.limit.max(READ as usize) {
                has_more |= self.keep_first(&mut places);
            }
        }
        has_more |= self.keep_first(&mut places);
        let (mut page, mut read) = (List::new(RUNS), 0);
        for place in &places {
            if page.is_full() {
                break;
            }
            if let Some(run) = if_there(app.storage.run(place.id).await)? {
                add(app, experiments, &run, &mut page).await?;
            }
            read += 1;
        }
        has_more |= read < places.len();
        Ok(page.end(places[..read].last().filter(|_| has_more).map(Place::token)))
    }

    /// Sorts the places and keeps those of the page. Returns whether there are more.
    fn keep_first(&self, places: &mut Vec<Place>) -> bool {
        places.sort_by(|a, b| a.compare(b, &self.orders));
        let has_more = places.len() > self.limit;
        places.truncate(self.limit);
        has_more
    }

    /// Returns the place of a run, if the search selects it.
    async fn select(&self, app: &App, experiments: &Experiments, run: &Run) -> Result<Option<Place>> {
        let is_shown = self.deleted.is_none_or(|deleted| deleted == view::is_deleted(run));
        let without = Ranked { run, metrics: &[] };
        if !is_shown || !self.experiments.contains(&experiments.of(run)) || !self.filter.may_select(&without)
        {
            return Ok(None);
        }
        let metrics = match self.metrics.is_empty() {
            true => Vec::new(),
            false => match if_there(latest(app, run.id, Arc::clone(&self.metrics)).await)? {
                Some(metrics) => metrics,
                None => return Ok(None),
            },
        };
        let subject = Ranked { run, metrics: &metrics };
        Ok(self.filter.selects(&subject).then(|| Place::of(run, &self.orders, &subject)))
    }
}

/// Adds a run with all its metrics to a page.
async fn add(app: &App, experiments: &Experiments, run: &Run, page: &mut List) -> Result<()> {
    if let Some(metrics) = if_there(latest(app, run.id, Arc::from([])).await)? {
        page.add(&view::run(run, experiments.of(run), &metrics));
    }
    Ok(())
}

/// Returns what was read of a run, or `None` when somebody has deleted it meanwhile.
fn if_there<T>(read: Result<T>) -> Result<Option<T>> {
    match read {
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        read => read.map(Some),
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

#[cfg(test)]
mod tests {
    use mlbench_core::Error;

    use super::*;

    #[test]
    fn only_what_is_gone_counts_as_nothing() {
        assert_eq!(if_there(Ok(1)), Ok(Some(1)));
        assert_eq!(if_there::<i32>(Err(Error::not_found("run 1"))), Ok(None));
        let failed = Error::internal("disk");
        assert_eq!(if_there::<i32>(Err(failed.clone())), Err(failed));
    }
}
