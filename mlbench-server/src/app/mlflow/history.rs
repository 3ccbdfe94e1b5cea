//! All points of a metric.

use std::sync::Arc;

use bytes::Bytes;
use mlbench_core::downsample::minmax::Bucket;
use mlbench_core::quote::quote;
use mlbench_core::storage::{PointRef, PointSink, PointsQuery, read_page};
use mlbench_core::{Error, MetricName, Owner, Result, RunId, Timestamp};

use super::args::Args;
use super::latest::logged;
use super::list::List;
use super::refusal::Refusal;
use super::{names, view};
use crate::app::context::App;

/// The list of a response.
const METRICS: &str = "metrics";
/// Most points of a response.
const MAX_RESULTS: usize = 100_000;
/// Most points of a response for many runs.
const MAX_OF_MANY: usize = 25_000;
/// Most runs of one request.
const MAX_RUNS: usize = 100;

/// Returns the points of a metric of a run by date, a page at a time.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound), or naming the argument.
pub async fn history(app: &App, args: Args<'_>) -> Result<Bytes, Refusal> {
    let (id, name) = (args.run_id()?, names::metric("metric_key", args.required("metric_key")?)?);
    let limit = args.count("max_results", 1, MAX_RESULTS)?.unwrap_or(MAX_RESULTS);
    let begin = args.text("page_token")?.filter(|token| !token.is_empty()).map(parse_token).transpose()?;
    let begin = begin.unwrap_or_default();
    let sink = Points { paged: true, ..Points::new(id, &name, List::new(METRICS), limit, begin) };
    let Points { list, end, more, .. } = read(app, sink).await?;
    Ok(list.end(more.then(|| format!("{}:{}", end.date.as_micros(), end.passed))))
}

/// Returns the first points of a metric of each of some runs, all together not more than so many.
///
/// # Errors
/// Those of [`history`].
pub async fn history_of_many(app: &App, args: Args<'_>) -> Result<Bytes, Refusal> {
    let name = names::metric("metric_key", args.required("metric_key")?)?;
    let ids = [args.texts("run_id")?, args.texts("run_ids")?].concat();
    if ids.is_empty() || ids.len() > MAX_RUNS {
        let rule = format_args!("must be 1 to {MAX_RUNS} runs, not {}", ids.len());
        return Err(Error::invalid("run_id", rule).into());
    }
    let limit = args.count("max_results", 1, MAX_OF_MANY)?.unwrap_or(MAX_OF_MANY);
    let mut list = List::new(METRICS);
    for id in ids {
        let id = names::parse_run_id(id)?;
        if list.count() < limit {
            list = read(app, Points::new(id, &name, list, limit, Place::default())).await?.list;
        }
    }
    Ok(list.end(None))
}

/// A place between two points of a series: so many points of this date are before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Place {
    date: Timestamp,
    passed: usize,
}

fn parse_token(token: &str) -> Result<Place> {
    let read = token.split_once(':').and_then(|(date, passed)| {
        Some(Place { date: Timestamp::from_micros(date.parse().ok()?), passed: passed.parse().ok()? })
    });
    read.ok_or_else(|| {
        Error::invalid(
            "page_token",
            format_args!("{} is none; send the one of the page before", quote(token)),
        )
    })
}

/// Reads points into a sink until it is full.
async fn read(app: &App, mut sink: Points) -> Result<Points> {
    let (names, since) = (Arc::from([sink.name.clone()]), sink.begin.date);
    let query = PointsQuery { names, since, details: true, ..PointsQuery::all(Owner::Run(sink.id)) };
    let mut after = None;
    loop {
        (sink, _, after) = read_page(&*app.storage, &query, after, sink).await?;
        if after.is_none() || sink.is_full() {
            return Ok(sink);
        }
    }
}

/// Adds the points of a metric after a place to a list, up to a number of all of them.
struct Points {
    id: RunId,
    name: MetricName,
    list: List,
    limit: usize,
    /// Whether the list also ends once its text is long.
    paged: bool,
    begin: Place,
    /// Behind the last point that came.
    place: Place,
    /// Behind the last point that was kept.
    end: Place,
    /// Whether there are points behind that one.
    more: bool,
}

impl Points {
    fn new(id: RunId, name: &MetricName, list: List, limit: usize, begin: Place) -> Self {
        let place = Place { date: begin.date, passed: 0 };
        Self { id, name: name.clone(), list, limit, paged: false, begin, place, end: begin, more: false }
    }
}

impl PointSink for Points {
    fn series(&mut self, _: &MetricName) {}

    fn point(&mut self, point: PointRef<'_>) {
        let passed = if self.place.date == point.date { self.place.passed + 1 } else { 1 };
        self.place = Place { date: point.date, passed };
        if point.date == self.begin.date && passed <= self.begin.passed {
            return;
        }
        let Some(logged) = logged(point, Some(&self.name)) else { return };
        if self.list.count() < self.limit && !(self.paged && self.list.is_full()) {
            self.list.add(&view::metric(&logged, Some(self.id)));
            self.end = self.place;
        } else {
            self.more = true;
        }
    }

    fn bucket(&mut self, _: &Bucket) {}

    fn is_full(&self) -> bool {
        self.more
    }
}
