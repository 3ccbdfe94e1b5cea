//! Metrics: stored one by one, read page by page.

use std::sync::Arc;

use mlbench_core::api::{MetricsQuery, NewMetric, Series};
use mlbench_core::metric::MetricType;
use mlbench_core::run::Run;
use mlbench_core::storage::{
    IdempotencyKey, PointSink, PointsCursor, PointsQuery, Recorded, Storage, collect_points, read_page,
};
use mlbench_core::{Error, ErrorCode, MetricName, Owner, PodName, Result, Timestamp};

use super::App;

/// Stores a metric, once for each key.
///
/// # Errors
/// [`ErrorCode::NotFound`] for an unknown owner.
pub async fn record(app: &App, metric: NewMetric, key: Option<IdempotencyKey>) -> Result<Recorded> {
    let now = app.clock.now();
    app.storage.record_metric(metric.at(now), key, now).await
}

/// The owner that a path segment names.
///
/// # Errors
/// [`ErrorCode::NotFound`] when nothing can bear that name.
pub fn owner(kind: MetricType, name: &str) -> Result<Owner> {
    match kind {
        MetricType::Run => name.parse().map(Owner::Run),
        MetricType::Pod => {
            PodName::new(name).map(Owner::Pod).map_err(|_| Error::not_found(format_args!("pod {name:?}")))
        }
    }
}

/// Everybody whose metrics `GET /api/metrics/` tells: the worker pods that are in the cluster now by name, or all
/// runs by number.
///
/// # Errors
/// When the store fails or the query is none.
pub async fn sources(app: &App, query: &MetricsQuery) -> Result<Vec<Source>> {
    let owners: Vec<Owner> = match query.metric_type {
        MetricType::Pod => app.storage.pods().await?.into_iter().map(|pod| Owner::Pod(pod.name)).collect(),
        MetricType::Run => app.storage.runs().await?.into_iter().map(|run| Owner::Run(run.id)).collect(),
    };
    let source = |owner: Owner| {
        Ok(Source { label: owner.label(), query: query.to_storage(owner)?, skip_if_deleted: true })
    };
    owners.into_iter().map(source).collect()
}

/// Whose points, and which of them, in an answer about several.
pub struct Source {
    /// The key of its object, or the first part of its files' names.
    pub label: String,
    /// Which points.
    pub query: PointsQuery,
    /// Whether an owner that is unknown counts as one without metrics: it is one of a list and may have been removed
    /// since the list was made.
    pub skip_if_deleted: bool,
}

/// Reads the points of one owner, a page at a time.
pub struct PointsReader {
    storage: Arc<dyn Storage>,
    query: PointsQuery,
    skip_if_deleted: bool,
    after: Option<PointsCursor>,
}

/// A page that was read.
pub struct PageRead<S> {
    /// Who was shown it.
    pub sink: S,
    /// Whether it was the last one.
    pub last: bool,
    /// The arrival number of the newest point that belongs to this reading; `None` when its owner was removed before.
    pub as_of: Option<i64>,
}

impl PointsReader {
    /// A reader that has read nothing yet, and shows what had arrived with the arrival number `as_of`.
    #[must_use]
    pub fn new(storage: &Arc<dyn Storage>, source: Source, as_of: Option<i64>) -> Self {
        let Source { query, skip_if_deleted, .. } = source;
        let query = PointsQuery { as_of, ..query };
        Self { storage: Arc::clone(storage), query, skip_if_deleted, after: None }
    }

    /// Shows the next page to what `sink` makes.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for an unknown owner, also when it is removed between two pages.
    pub async fn next<S: PointSink>(&mut self, sink: impl Fn() -> S) -> Result<PageRead<S>> {
        let absent = self.skip_if_deleted && self.after.is_none();
        match read_page(&*self.storage, &self.query, self.after.take(), sink()).await {
            Err(error) if absent && error.code() == ErrorCode::NotFound => {
                Ok(PageRead { sink: sink(), last: true, as_of: None })
            }
            Err(error) => Err(error),
            Ok((sink, as_of, next)) => {
                self.after = next;
                Ok(PageRead { sink, last: self.after.is_none(), as_of: Some(as_of) })
            }
        }
    }
}

/// What is known of the series of an owner without reading their points, by name.
///
/// # Errors
/// [`ErrorCode::NotFound`] for an unknown owner.
pub async fn series(app: &App, owner: &Owner) -> Result<Vec<Series>> {
    app.storage.series(owner).await
}

/// What an archive of metrics holds.
pub struct Archive {
    /// What it is an archive of, for its file name: a run's name, a pod's, `pods` or `runs`.
    pub title: String,
    /// The series in it, owner by owner.
    pub sources: Vec<Source>,
    /// The value of `TaskResult @ 0` of the run.
    pub official_result: Option<String>,
}

/// The metric in which a benchmark reports that its goal was reached.
const TASK_RESULT: &str = "TaskResult @ 0";

/// The archive of one owner. That of a run also holds what its pods used during the run. The query applies to
/// everything in it.
///
/// # Errors
/// [`ErrorCode::NotFound`] for an unknown owner.
pub async fn archive(app: &App, owner: Owner, query: &MetricsQuery) -> Result<Archive> {
    match owner {
        Owner::Run(id) => archive_of_run(app, app.storage.run(id).await?, query).await,
        Owner::Pod(ref name) => {
            let title = name.to_string();
            let label = title.clone();
            let source = Source { label, query: query.to_storage(owner)?, skip_if_deleted: false };
            Ok(Archive { title, sources: vec![source], official_result: None })
        }
    }
}

/// The archive of all owners of a kind.
///
/// # Errors
/// When the store fails or the query is none.
pub async fn archive_of_all(app: &App, query: &MetricsQuery) -> Result<Archive> {
    let title = format!("{}s", query.metric_type.as_str());
    Ok(Archive { title, sources: sources(app, query).await?, official_result: None })
}

async fn archive_of_run(app: &App, run: Run, query: &MetricsQuery) -> Result<Archive> {
    let official_result = task_result(app, &run).await?;
    let of_run = query.to_storage(Owner::Run(run.id))?;
    let mut sources = vec![Source { label: "result".to_owned(), query: of_run, skip_if_deleted: false }];
    let end = run.finished_at.unwrap_or(Timestamp::MAX);
    for worker in run.workers {
        let of_pod = query.to_storage(Owner::Pod(worker.pod.clone()))?;
        let since = of_pod.since.max(run.created_at);
        let until = of_pod.until.min(end);
        let query = PointsQuery { since, until, ..of_pod };
        sources.push(Source { label: worker.pod.to_string(), query, skip_if_deleted: true });
    }
    Ok(Archive { title: run.name.to_string(), sources, official_result })
}

async fn task_result(app: &App, run: &Run) -> Result<Option<String>> {
    let names = vec![MetricName::new(TASK_RESULT)?];
    let query = PointsQuery { names, last_n: Some(1), ..PointsQuery::all(Owner::Run(run.id)) };
    let found = collect_points(&*app.storage, &query).await?.into_values().flatten().last();
    Ok(found.map(|point| point.value.to_string()))
}
