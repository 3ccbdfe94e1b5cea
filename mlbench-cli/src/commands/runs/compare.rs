//! Compares runs.

use mlbench_client::{Client, ComparisonQuery};

use super::comparison::print_comparison;
use crate::args::CompareArgs;
use crate::commands::resolve::resolve_run;
use crate::failure::Failure;
use crate::output::Printer;

/// `mlbench runs compare`
pub(crate) async fn compare(client: &Client, args: &CompareArgs) -> Result<(), Failure> {
    let mut runs = Vec::with_capacity(args.runs.len());
    for text in &args.runs {
        runs.push(resolve_run(client, text).await?.id);
    }
    let baseline = match &args.baseline {
        Some(text) => Some(resolve_run(client, text).await?.id),
        None => None,
    };
    let query = ComparisonQuery {
        runs,
        metric: args.metric.clone(),
        goal: args.goal,
        direction: args.direction.map(Into::into),
        baseline,
    };
    let comparison = client.runs().compare(&query).await?;
    print_comparison(&mut Printer::stdout(args.output.output), &comparison)
}
