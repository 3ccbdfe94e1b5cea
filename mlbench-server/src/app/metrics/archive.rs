//! What an archive of metrics contains.

use mlbench_core::api::{MetricsListQuery, MetricsQuery};
use mlbench_core::run::Run;
use mlbench_core::storage::{PointsQuery, collect_points};
use mlbench_core::{MetricName, Owner, Result, Timestamp};

use super::read::{Source, source, sources};
use crate::app::context::App;

/// What an archive of metrics contains.
pub struct Archive {
    /// Part of its file name: the name of a run or pod, `pods` or `runs`.
    pub title: String,
    /// Its series, owner by owner.
    pub sources: Vec<Source>,
    /// The value of `TaskResult @ 0` of the run.
    pub official_result: Option<String>,
}

/// The metric in which a benchmark reports that it reached its goal.
const TASK_RESULT: &str = "TaskResult @ 0";

/// Returns the archive of one owner. That of a run also has the metrics of its pods during the run.
///
/// The query applies to every series in it.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound) for an unknown owner.
pub async fn archive(app: &App, owner: Owner, query: &MetricsQuery) -> Result<Archive> {
    match owner {
        Owner::Run(id) => archive_of_run(app, app.storage.run(id).await?, query).await,
        Owner::Pod(ref name) => {
            let title = name.to_string();
            Ok(Archive { title, sources: source(owner, query)?.owners, official_result: None })
        }
    }
}

/// Returns the archive of all owners of a kind, or of some runs.
///
/// # Errors
/// When the store fails or the query contradicts itself.
pub async fn archive_of_all(app: &App, query: &MetricsListQuery) -> Result<Archive> {
    let title = format!("{}s", query.points.metric_type.as_str());
    Ok(Archive { title, sources: sources(app, query).await?.owners, official_result: None })
}

async fn archive_of_run(app: &App, run: Run, query: &MetricsQuery) -> Result<Archive> {
    let official_result = task_result(app, &run).await?;
    let of_run = Some(query.to_storage(Owner::Run(run.id))?);
    let mut sources = vec![Source { label: "result".to_owned(), query: of_run, may_be_deleted: false }];
    let end = run.finished_at.unwrap_or(Timestamp::MAX);
    // The pods of an imported run are not those that have their names here.
    let workers = if run.imported_from.is_some() { Vec::new() } else { run.workers };
    for worker in workers {
        let of_pod = query.to_storage(Owner::Pod(worker.pod.clone()))?;
        // While it was queued, its pods worked for other runs.
        let since = of_pod.since.max(run.admitted_at.unwrap_or(run.created_at));
        let until = of_pod.until.min(end);
        let query = Some(PointsQuery { since, until, ..of_pod });
        sources.push(Source { label: worker.pod.to_string(), query, may_be_deleted: true });
    }
    Ok(Archive { title: run.name.to_string(), sources, official_result })
}

async fn task_result(app: &App, run: &Run) -> Result<Option<String>> {
    let names = [MetricName::new(TASK_RESULT)?].into();
    let query = PointsQuery { names, last_n: Some(1), ..PointsQuery::all(Owner::Run(run.id)) };
    let found = collect_points(&*app.storage, &query).await?.into_values().flatten().last();
    Ok(found.map(|point| point.value.to_string()))
}
