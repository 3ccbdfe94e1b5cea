//! What an export of a run contains.

use mlbench_core::carried::RunFacts;
use mlbench_core::origin::Origin;
use mlbench_core::storage::PointsQuery;
use mlbench_core::{Owner, PodName, Result, RunId};

use crate::app::context::App;
use crate::app::metrics::Source;

/// What an export of a run contains.
pub struct Export {
    /// The run on this server.
    pub id: RunId,
    /// Its facts.
    pub facts: RunFacts,
    /// Its points.
    pub points: Source,
    /// The usage of its pods.
    pub usage: Usage,
}

/// Where the usage of the pods of a run is.
pub enum Usage {
    /// With the pods, in the order of their ranks.
    OfPods(Vec<(PodName, Source)>),
    /// With the run, which was imported.
    Imported,
}

/// Returns what the export of a run contains.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound), [`RunActive`](mlbench_core::ErrorCode::RunActive).
pub async fn export(app: &App, id: RunId) -> Result<Export> {
    let run = app.storage.run(id).await?;
    let source = |owner: Owner, may_be_deleted| {
        let query = PointsQuery { details: true, ..PointsQuery::all(owner.clone()) };
        Source { label: owner.label(), query: Some(query), may_be_deleted }
    };
    let usage = if run.imported_from.is_some() {
        Usage::Imported
    } else {
        // While it was queued, its pods worked for other runs.
        let since = run.admitted_at.unwrap_or(run.created_at);
        let until = run.finished_at.unwrap_or(since);
        let pods = run.workers.iter().map(|worker| {
            let of_pod = source(Owner::Pod(worker.pod.clone()), true);
            let query = of_pod.query.map(|query| PointsQuery { since, until, ..query });
            (worker.pod.clone(), Source { query, ..of_pod })
        });
        Usage::OfPods(pods.collect())
    };
    let here = Origin { server: app.exports.server.clone(), host: app.exports.host.clone(), run_id: id };
    Ok(Export { id, facts: RunFacts::of(run, here)?, points: source(Owner::Run(id), false), usage })
}
