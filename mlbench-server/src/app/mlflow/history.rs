//! All points of a metric.

use std::sync::Arc;

use mlbench_core::downsample::minmax::Bucket;
use mlbench_core::quote::quote;
use mlbench_core::storage::{PointRef, PointSink, PointsQuery, read_page};
use mlbench_core::{Error, MetricName, Owner, Result, RunId, Timestamp};
use serde_json::{Value, json};

use super::args::Args;
use super::latest::{Logged, logged};
use super::refusal::Refusal;
use super::{names, view};
use crate::app::context::App;

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
pub async fn history(app: &App, args: Args<'_>) -> Result<Value, Refusal> {
    let (id, name) = (args.run_id()?, names::metric("metric_key", args.required("metric_key")?)?);
    let limit = args.count("max_results", 1, MAX_RESULTS)?.unwrap_or(MAX_RESULTS);
    let begin = args.text("page_token")?.filter(|token| !token.is_empty()).map(parse_token).transpose()?;
    let (points, next) = page(app, id, &name, limit, begin.unwrap_or_default()).await?;
    let metrics: Vec<Value> = points.iter().map(|point| view::metric(point, Some(id))).collect();
    let mut response = json!({ "metrics": metrics });
    if let Some(Place { date, passed }) = next {
        response["next_page_token"] = format!("{}:{passed}", date.as_micros()).into();
    }
    Ok(response)
}

/// Returns the first points of a metric of each of some runs, all together not more than so many.
///
/// # Errors
/// Those of [`history`].
pub async fn history_of_many(app: &App, args: Args<'_>) -> Result<Value, Refusal> {
    let name = names::metric("metric_key", args.required("metric_key")?)?;
    let ids = [args.texts("run_id")?, args.texts("run_ids")?].concat();
    if ids.is_empty() || ids.len() > MAX_RUNS {
        let rule = format_args!("must be 1 to {MAX_RUNS} runs, not {}", ids.len());
        return Err(Error::invalid("run_id", rule).into());
    }
    let limit = args.count("max_results", 1, MAX_OF_MANY)?.unwrap_or(MAX_OF_MANY);
    let mut metrics = Vec::new();
    for id in ids {
        let id = names::parse_run_id(id)?;
        let left = limit - metrics.len();
        if left > 0 {
            let (points, _) = page(app, id, &name, left, Place::default()).await?;
            metrics.extend(points.iter().map(|point| view::metric(point, Some(id))));
        }
    }
    Ok(json!({ "metrics": metrics }))
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

/// Reads at most `limit` points after a place, and says where the next ones begin.
async fn page(
    app: &App,
    id: RunId,
    name: &MetricName,
    limit: usize,
    begin: Place,
) -> Result<(Vec<Logged>, Option<Place>)> {
    let names = Arc::from([name.clone()]);
    let query = PointsQuery { names, since: begin.date, details: true, ..PointsQuery::all(Owner::Run(id)) };
    let mut sink = Points::new(name.clone(), limit, begin);
    let mut after = None;
    loop {
        (sink, _, after) = read_page(&*app.storage, &query, after, sink).await?;
        if after.is_none() || sink.is_full() {
            let next = sink.is_full().then_some(sink.end);
            return Ok((sink.points, next));
        }
    }
}

/// Collects points up to a limit.
struct Points {
    name: MetricName,
    limit: usize,
    begin: Place,
    /// Behind the last point that came.
    place: Place,
    points: Vec<Logged>,
    /// Behind the last point that was kept.
    end: Place,
    more: bool,
}

impl Points {
    fn new(name: MetricName, limit: usize, begin: Place) -> Self {
        let place = Place { date: begin.date, passed: 0 };
        Self { name, limit, begin, place, points: Vec::new(), end: begin, more: false }
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
        if self.points.len() < self.limit {
            self.points.push(logged);
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
