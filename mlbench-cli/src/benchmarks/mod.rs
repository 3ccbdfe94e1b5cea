//! The built-in reference benchmarks: real distributed programs, started once for every worker.
//!
//! They take the arguments of the official images, so a run starts them in the same way, and talk to each other over
//! TCP on the addresses that the run gives them. Started by hand, without any of that, they run alone and print what they
//! measure.

mod all_reduce;
mod args;
mod data;
mod logistic_regression;
mod report;
mod ring;
mod world;

use std::io::Write;

/// Runs a built-in reference benchmark as one worker
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    benchmark: Benchmark,
}

#[derive(Debug, clap::Subcommand)]
enum Benchmark {
    /// Time to accuracy of logistic regression by synchronous data-parallel SGD
    LogisticRegression(logistic_regression::Args),
    /// Time and bus bandwidth of the all-reduce between the workers, by size
    AllReduce(all_reduce::Args),
}

/// Why a benchmark did not do what it was started for. Every one of these is exit code 1; each text is complete, with
/// its cause.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Arguments that do not fit together.
    #[error("{0}")]
    Arguments(String),
    /// There is nothing to learn from.
    #[error(transparent)]
    Data(#[from] data::Error),
    /// The workers did not meet, or lost each other.
    #[error(transparent)]
    Ring(#[from] ring::Error),
    /// Trained to the end without reaching the goal.
    #[error(
        "the goal of {goal}% validation accuracy was not reached in {epochs} epochs; the best was {best:.2}% (more \
         --max-epochs, another --learning-rate or a lower --goal may help)"
    )]
    GoalNotReached {
        /// The goal, in percent.
        goal: f64,
        /// How long it was tried.
        epochs: usize,
        /// The best accuracy seen, in percent.
        best: f64,
    },
    /// The loss is no longer a number.
    #[error(
        "training diverged in epoch {epoch}: the loss is not a finite number; use a lower --learning-rate"
    )]
    Diverged {
        /// When.
        epoch: usize,
    },
    /// The all-reduce gave something else than the sum.
    #[error("the all-reduce of {count} numbers is wrong: number {index} is {found}, not {expected}")]
    WrongSum {
        /// Length of the vector.
        count: usize,
        /// Where.
        index: usize,
        /// What came out.
        found: f32,
        /// What should have.
        expected: f32,
    },
    /// The server did not take the metrics.
    #[error(transparent)]
    Metrics(mlbench_client::Error),
    /// What posts the metrics in the background does not start.
    #[error("cannot start what posts the metrics: {0}")]
    Background(std::io::Error),
    /// Standard output fails.
    #[error("cannot print: {0}")]
    Console(#[from] std::io::Error),
}

/// Runs a benchmark to its end as one of its workers, and prints what it finds to `console`.
///
/// # Errors
/// Whatever kept it from its end; a loss of metrics is one.
pub(crate) fn run(args: &Args, console: &mut dyn Write) -> Result<(), Error> {
    match &args.benchmark {
        Benchmark::LogisticRegression(args) => logistic_regression::run(args, console),
        Benchmark::AllReduce(args) => all_reduce::run(args, console),
    }
}
