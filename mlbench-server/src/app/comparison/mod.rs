//! Comparison of runs: reads what `mlbench_core::comparison` computes with.

mod goals;
mod read;
mod sinks;

use mlbench_core::Result;
use mlbench_core::api::{Comparison, ComparisonQuery};
use mlbench_core::comparison::{Settings, choose};

use super::context::App;

/// Compares runs.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound) naming the run that does not exist.
/// [`InvalidField`](mlbench_core::ErrorCode::InvalidField) for a goal without a metric.
pub async fn compare(app: &App, query: ComparisonQuery) -> Result<Comparison> {
    let mut runs = Vec::with_capacity(query.runs.len());
    for id in query.runs {
        let run = app.storage.run(id).await?;
        let goal = goals::of_program(&run.spec);
        runs.push((run, goal));
    }
    let goals: Vec<_> = runs.iter().map(|(run, goal)| (run.id, goal.clone())).collect();
    let choice = choose(query.metric, query.goal, query.direction, &goals)?;
    let mut measured = Vec::with_capacity(runs.len());
    for (run, goal) in runs {
        measured.push(read::measure(&*app.storage, run, goal, &choice).await?);
    }
    let settings = Settings { choice, baseline: query.baseline, cores: app.cluster.cores() };
    Ok(mlbench_core::comparison::compare(measured, settings))
}
