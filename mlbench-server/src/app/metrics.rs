//! Metrics: stored one by one, read page by page.

use std::sync::Arc;

use mlbench_core::api::{MetricsQuery, NewMetric};
use mlbench_core::metric::MetricType;
use mlbench_core::run::Run;
use mlbench_core::storage::{
    IdempotencyKey, PointsPage, PointsPosition, PointsQuery, Recorded, Storage, collect_points,
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
/// When the store fails.
pub async fn owners(app: &App, kind: MetricType) -> Result<Vec<Owner>> {
    Ok(match kind {
        MetricType::Pod => app.storage.pods().await?.into_iter().map(|pod| Owner::Pod(pod.name)).collect(),
        MetricType::Run => app.storage.runs().await?.into_iter().map(|run| Owner::Run(run.id)).collect(),
    })
}

/// Reads the points of one owner, a page at a time.
pub struct PointsReader {
    storage: Arc<dyn Storage>,
    query: PointsQuery,
    after: Option<PointsPosition>,
    done: bool,
}

impl PointsReader {
    /// A reader that has read nothing yet.
    #[must_use]
    pub const fn new(storage: Arc<dyn Storage>, query: PointsQuery) -> Self {
        Self { storage, query, after: None, done: false }
    }

    /// The next page; `None` after the last one.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for an unknown owner, also when it is removed between two pages.
    pub async fn next(&mut self) -> Result<Option<PointsPage>> {
        if self.done {
            return Ok(None);
        }
        let page = self.storage.points(&self.query, self.after.take()).await?;
        self.done = page.next.is_none();
        self.after.clone_from(&page.next);
        Ok(Some(page))
    }
}

/// What an archive of metrics holds.
pub struct Archive {
    /// What it is an archive of, for its file name: a run's name, a pod's, `pods` or `runs`.
    pub title: String,
    /// The series in it, owner by owner, each with the first part of its files' names.
    pub sources: Vec<(String, PointsQuery)>,
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
            let sources = vec![(title.clone(), query.to_storage(owner)?)];
            Ok(Archive { title, sources, official_result: None })
        }
    }
}

/// The archive of all owners of a kind.
///
/// # Errors
/// When the store fails or the query is none.
pub async fn archive_of_all(app: &App, query: &MetricsQuery) -> Result<Archive> {
    let mut sources = Vec::new();
    for owner in owners(app, query.metric_type).await? {
        sources.push((label(&owner), query.to_storage(owner)?));
    }
    Ok(Archive { title: format!("{}s", query.metric_type.as_str()), sources, official_result: None })
}

async fn archive_of_run(app: &App, run: Run, query: &MetricsQuery) -> Result<Archive> {
    let official_result = task_result(app, &run).await?;
    let mut sources = vec![("result".to_owned(), query.to_storage(Owner::Run(run.id))?)];
    let until = run.finished_at.unwrap_or(Timestamp::MAX);
    for worker in run.workers {
        let of_pod = query.to_storage(Owner::Pod(worker.pod.clone()))?;
        let since = of_pod.since.max(run.created_at);
        sources.push((worker.pod.to_string(), PointsQuery { since, until, ..of_pod }));
    }
    Ok(Archive { title: run.name.to_string(), sources, official_result })
}

async fn task_result(app: &App, run: &Run) -> Result<Option<String>> {
    let name = Some(MetricName::new(TASK_RESULT)?);
    let query = PointsQuery { name, last_n: Some(1), ..PointsQuery::all(Owner::Run(run.id)) };
    let found = collect_points(&*app.storage, &query).await?.into_values().flatten().last();
    Ok(found.map(|point| point.value.to_string()))
}

/// The key of an owner in an answer about many: a pod's name, a run's number.
#[must_use]
pub fn label(owner: &Owner) -> String {
    match owner {
        Owner::Pod(name) => name.to_string(),
        Owner::Run(id) => id.to_string(),
    }
}

/// Whether the owner of a list is gone since the list was made, which is no failure.
#[must_use]
pub fn is_gone(error: &Error) -> bool {
    error.code() == ErrorCode::NotFound
}
