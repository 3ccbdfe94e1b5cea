//! Compares runs.

use std::collections::BTreeSet;
use std::io::Write;

use mlbench_client::{Client, Comparison, ComparisonQuery, Direction, RunId};
use mlbench_core::goal::split_rank;
use mlbench_core::quote::shorten;

use super::comparison::print_comparison;
use super::groups::{self, Row};
use crate::args::{CompareArgs, ComparedArgs, GoalText, MeasureArgs};
use crate::commands::resolve::resolve_run;
use crate::failure::Failure;
use crate::output::{List, ListOptions, Printer};
use crate::unknown_name::UnknownName;

/// The most runs whose metrics a message about an unknown metric may suggest.
const MAX_RUNS: usize = 20;

/// `mlbench runs compare`
pub(crate) async fn compare(client: &Client, args: &CompareArgs) -> Result<(), Failure> {
    let options = args.output.options();
    let list = List::new(&options, &groups::columns())?;
    let comparison = fetch(client, &args.compared).await?;
    print(&mut Printer::paged(options.format), &options, &list, &comparison)
}

/// Prints a comparison: its tables for people, or else a row for each group.
pub(super) fn print(
    printer: &mut Printer<impl Write>,
    options: &ListOptions,
    list: &List<Row>,
    comparison: &Comparison,
) -> Result<(), Failure> {
    if printer.is_human_readable() && !options.names_rows() {
        return print_comparison(printer, comparison);
    }
    Ok(list.print_of(printer, comparison, groups::rows(comparison))?)
}

/// Requests a comparison.
pub(super) async fn fetch(client: &Client, args: &ComparedArgs) -> Result<Comparison, Failure> {
    let mut runs = Vec::with_capacity(args.runs.len());
    for text in &args.runs {
        runs.push(resolve_run(client, text).await?.id);
    }
    let baseline = match &args.baseline {
        Some(text) => {
            Some(resolve_run(client, text).await.map_err(|failure| failure.of_option("--baseline"))?.id)
        }
        None => None,
    };
    fetch_runs(client, runs, &args.measure, baseline).await
}

/// Requests a comparison of runs with these ids.
pub(crate) async fn fetch_runs(
    client: &Client,
    runs: Vec<RunId>,
    measure: &MeasureArgs,
    baseline: Option<RunId>,
) -> Result<Comparison, Failure> {
    check_measure(measure)?;
    let query = query(runs, measure, baseline);
    let comparison = client.runs().compare(&query).await?;
    if let Some(metric) = query.metric.as_ref().filter(|_| !has_metric(&comparison)) {
        return Err(unknown_metric(client, metric, &query.runs).await?);
    }
    Ok(comparison)
}

/// Checks that nothing is given twice, by a whole goal and by a flag of its own.
///
/// # Errors
/// Naming the flag.
pub(super) fn check_measure(measure: &MeasureArgs) -> mlbench_client::Result<()> {
    let Some(goal) = measure.goal.as_ref().and_then(GoalText::whole) else { return Ok(()) };
    let flags = [("--metric", measure.metric.is_some()), ("--direction", measure.direction.is_some())];
    match flags.into_iter().find(|(_, is_given)| *is_given) {
        Some((flag, _)) => {
            let rule = format!("{goal} says it too; leave out one of them");
            Err(mlbench_core::Error::invalid(flag, rule).into())
        }
        None => Ok(()),
    }
}

fn query(runs: Vec<RunId>, measure: &MeasureArgs, baseline: Option<RunId>) -> ComparisonQuery {
    let metric = measure.metric.as_ref().map(ToString::to_string);
    let direction = measure.direction.map(Direction::from);
    let whole = measure.goal.as_ref().and_then(GoalText::whole);
    ComparisonQuery {
        runs,
        metric: metric.or_else(|| whole.map(|goal| goal.metric.clone())),
        goal: measure.goal.as_ref().map(GoalText::value),
        direction: direction.or_else(|| whole.map(|goal| goal.direction)),
        baseline,
    }
}

/// Returns whether a run has the metric of the comparison, under this name or as that of rank 0.
fn has_metric(comparison: &Comparison) -> bool {
    let Comparison { metric, runs, .. } = comparison;
    let of_first_rank = format!("{metric} @ 0");
    let mut values = runs.iter().flat_map(|run| &run.end_values);
    values.any(|value| value.name == *metric || value.name == of_first_rank)
}

/// Returns the failure that no run has this metric, with names that they have.
async fn unknown_metric(client: &Client, metric: &str, runs: &[RunId]) -> Result<Failure, Failure> {
    let mut known = BTreeSet::new();
    for id in runs.iter().take(MAX_RUNS) {
        for series in client.runs().series(*id).await? {
            known.insert(suggestion(series.name.as_str(), metric));
        }
    }
    let known = known.into_iter().collect();
    Ok(Failure::UnknownName(match runs {
        [run] => UnknownName::metric(metric, &format!("run {run}"), known),
        _ => {
            let runs: Vec<String> = runs.iter().map(ToString::to_string).collect();
            UnknownName::metric_of_runs(metric, &shorten(&runs.join(", ")), known)
        }
    }))
}

/// Returns the name to suggest for a metric: that of rank 0 without its rank, as the user may write it.
fn suggestion(name: &str, mistyped: &str) -> String {
    match split_rank(name) {
        (bare, Some("0")) if split_rank(mistyped).1.is_none() => bare.to_owned(),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggestion_has_a_rank_where_it_needs_one() {
        assert_eq!(suggestion("loss @ 0", "los"), "loss");
        assert_eq!(suggestion("loss @ 3", "los"), "loss @ 3", "a comparison takes rank 0 on its own only");
        assert_eq!(suggestion("loss @ 0", "los @ 0"), "loss @ 0");
        assert_eq!(suggestion("loss", "los @ 0"), "loss");
    }
}
