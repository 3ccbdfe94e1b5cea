//! Comparison of runs: reads what `mlbench_core::comparison` computes with.

mod goals;
mod read;
mod sinks;

use mlbench_core::Result;
use mlbench_core::api::{Comparison, ComparisonQuery};
use mlbench_core::comparison::{Settings, choose};
use mlbench_core::goal::Goal;
use mlbench_core::run::Run;

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
        let of_program = goals::of_program(&run.spec);
        runs.push((run, of_program));
    }
    let own = |(run, of_program): &(Run, Option<Goal>)| {
        (run.id, run.spec.needs.goal.clone().or_else(|| of_program.clone()))
    };
    let goals: Vec<_> = runs.iter().map(own).collect();
    let choice = choose(query.metric, query.goal, query.direction, &goals)?;
    let mut measured = Vec::with_capacity(runs.len());
    for (run, of_program) in runs {
        measured.push(read::measure(&*app.storage, run, of_program, &choice).await?);
    }
    let settings = Settings { choice, baseline: query.baseline, cores: app.cluster.cores() };
    Ok(mlbench_core::comparison::compare(measured, settings))
}
