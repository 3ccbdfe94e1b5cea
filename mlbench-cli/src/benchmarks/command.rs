//! The `mlbench benchmark` command.

use std::io::Write;

use super::error::Error;
use super::{all_reduce, logistic_regression};

/// Run a built-in reference benchmark as one worker
#[derive(Debug, clap::Args)]
pub(crate) struct BenchmarkArgs {
    #[command(subcommand)]
    benchmark: Benchmark,
}

#[derive(Debug, clap::Subcommand)]
enum Benchmark {
    /// Measure the time to accuracy of logistic regression (synchronous data-parallel SGD)
    LogisticRegression(logistic_regression::Args),
    /// Measure time and bus bandwidth of the all-reduce between the workers, by vector length
    AllReduce(all_reduce::Args),
}

/// Runs a benchmark as one of its workers and prints its results to `console`.
///
/// # Errors
/// The first failure, including metrics that could not be stored.
pub(crate) fn run(args: &BenchmarkArgs, console: &mut dyn Write) -> Result<(), Error> {
    match &args.benchmark {
        Benchmark::LogisticRegression(args) => logistic_regression::run(args, console),
        Benchmark::AllReduce(args) => all_reduce::run(args, console),
    }
}
