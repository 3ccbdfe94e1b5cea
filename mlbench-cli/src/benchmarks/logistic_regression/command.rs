//! The `mlbench benchmark logistic-regression` command.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use super::train::{Settings, train};
use crate::benchmarks::args::{WorldArgs, parse_count, parse_whole};
use crate::benchmarks::data::{Shape, Shard, Source, Synthetic};
use crate::benchmarks::error::Error;
use crate::benchmarks::report::Reporter;

/// Official goals of logistic regression in percent: the default and the light goal.
const GOAL: f64 = 95.0;
const LIGHT_GOAL: f64 = 89.0;

/// Default size of synthetic data. One core trains for about two seconds, nearly all of it computing.
const SYNTHETIC: Shape = Shape { rows: 40_000, features: 400 };
const SYNTHETIC_BATCH: usize = 8000;
const SYNTHETIC_RATE: f64 = 1.5;
/// Defaults for data from a file.
const DATA_BATCH: usize = 64;
const DATA_RATE: f64 = 0.1;

// No doc comment on the struct: clap would use it as the description of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    world: WorldArgs,
    /// Train on synthetic data of this size [default: 40000x400]
    #[arg(long, value_name = "ROWSxFEATURES")]
    synthetic: Option<Shape>,
    /// Train on data in the LibSVM format instead
    #[arg(long, value_name = "FILE", conflicts_with = "synthetic")]
    data: Option<PathBuf>,
    /// Train on the breast cancer Wisconsin data instead, which the program includes
    #[arg(long, conflicts_with_all = ["synthetic", "data"])]
    breast_cancer: bool,
    /// Seed of the synthetic data and of the batch order
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = parse_whole::<u64>)]
    seed: u64,
    /// Rows per step, over all workers [default: 8000 of synthetic data, else 64]
    #[arg(long, value_name = "ROWS", value_parser = parse_count)]
    batch_size: Option<NonZeroUsize>,
    /// Use all rows in every step (gradient descent)
    #[arg(long, conflicts_with = "batch_size")]
    full_batch: bool,
    /// Learning rate, which step t divides by 1 + RATE * L2 * t [default: 1.5 for synthetic data, else 0.1]
    #[arg(long, value_name = "RATE", value_parser = positive, allow_negative_numbers = true)]
    learning_rate: Option<f64>,
    /// Weight of the L2 penalty
    #[arg(long, value_name = "WEIGHT", default_value = "0.0001", value_parser = not_negative, allow_negative_numbers = true)]
    l2: f64,
    /// Validation accuracy to reach, in percent [default: 95, or 89 with --light]
    #[arg(long, value_name = "PERCENT", value_parser = percent, allow_negative_numbers = true)]
    goal: Option<f64>,
    /// Epochs between validations, which check the goal and report metrics
    #[arg(long, value_name = "EPOCHS", default_value = "1", value_parser = parse_count)]
    validate_every: NonZeroUsize,
    /// Maximum number of epochs
    #[arg(long, value_name = "EPOCHS", default_value = "1000", value_parser = parse_count)]
    max_epochs: NonZeroUsize,
    /// Number of trainings from zero, whose median time is the result
    #[arg(long, value_name = "N", default_value = "1", value_parser = parse_count)]
    repeats: NonZeroUsize,
}

impl Args {
    fn is_synthetic(&self) -> bool {
        self.data.is_none() && !self.breast_cancer
    }

    /// Returns the rows per step, or `None` for all.
    fn batch_size(&self) -> Option<usize> {
        let default = if self.is_synthetic() { SYNTHETIC_BATCH } else { DATA_BATCH };
        (!self.full_batch).then(|| self.batch_size.map_or(default, NonZeroUsize::get))
    }

    fn settings(&self) -> Settings {
        Settings {
            seed: self.seed,
            learning_rate: self.learning_rate.unwrap_or(if self.is_synthetic() {
                SYNTHETIC_RATE
            } else {
                DATA_RATE
            }),
            l2: self.l2,
            goal: self.goal.unwrap_or(if self.world.light { LIGHT_GOAL } else { GOAL }),
            validate_every: self.validate_every.get(),
            max_epochs: self.max_epochs.get(),
            repeats: self.repeats.get(),
        }
    }

    fn source(&self) -> Result<(Source, String), Error> {
        Ok(match &self.data {
            Some(path) => (Source::file(path)?, path.display().to_string()),
            None if self.breast_cancer => (Source::breast_cancer()?, "breast cancer Wisconsin".to_owned()),
            None => {
                let shape = self.synthetic.unwrap_or(SYNTHETIC);
                let name = format!("synthetic data, seed {}", self.seed);
                (Source::Synthetic(Synthetic::new(shape, self.seed)), name)
            }
        })
    }
}

/// Trains as one worker until the goal is reached.
///
/// # Errors
/// [`Error::GoalNotReached`], or the first failure of the data, the ring or the metrics.
pub(crate) fn run(args: &Args, console: &mut dyn Write) -> Result<(), Error> {
    let world = args.world.world()?;
    let (rank, workers) = (world.rank, world.size());
    if rank == 0 {
        args.world.print_ignored(console)?;
    }
    args.world.pin(&world, console)?;
    let mut reporter = Reporter::new(args.world.destination(), rank, console)?;
    // Load the data before connecting: the timeout to connect is longer than the one for data from a
    // neighbour.
    let (source, name) = args.source()?;
    let features = source.features();
    let shard = Shard::of(&source, args.batch_size(), rank, workers)?;
    drop(source);
    let mut ring = args.world.form_ring(&world)?;
    if rank == 0 {
        reporter.print(format_args!(
            "{name}: {} training rows in {} batches, {} validation rows, {features} features; {workers} worker{}",
            shard.train_total,
            shard.batches.len(),
            shard.validation_total,
            if workers == 1 { "" } else { "s" },
        ))?;
    }
    let outcome = train(&args.settings(), &shard, &mut ring, &mut reporter).map(drop);
    // Store the metrics up to a failure, too.
    reporter.finish(outcome)
}

fn parse_number(text: &str, fits: impl Fn(f64) -> bool, expected: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|number: &f64| number.is_finite() && fits(*number))
        .ok_or_else(|| expected.to_owned())
}

fn positive(text: &str) -> Result<f64, String> {
    parse_number(text, |number| number > 0.0, "must be a number above 0")
}

fn not_negative(text: &str) -> Result<f64, String> {
    parse_number(text, |number| number >= 0.0, "must be a number of at least 0")
}

fn percent(text: &str) -> Result<f64, String> {
    parse_number(
        text,
        |number| number > 0.0 && number <= 100.0,
        "must be a percentage above 0 and at most 100",
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        args: Args,
    }

    fn run_with(arguments: &str) -> (Result<(), String>, String) {
        let words = std::iter::once("mlbench").chain(arguments.split_whitespace());
        let args = Command::try_parse_from(words).map_err(|error| error.to_string());
        let mut console = Vec::new();
        let outcome =
            args.and_then(|command| run(&command.args, &mut console).map_err(|error| error.to_string()));
        (outcome, String::from_utf8(console).unwrap())
    }

    #[test]
    fn the_official_arguments_train_to_the_goal() {
        let (outcome, console) = run_with("--run_id 1 --rank 0 --hosts 127.0.0.1 --backend gloo");
        assert_eq!(outcome, Ok(()), "{console}");
        assert!(console.contains("95% Top 1 Validation Accuracy reached in "), "{console}");
    }

    #[test]
    fn the_included_data_train_to_the_goal() {
        let (outcome, console) = run_with("--breast-cancer");
        assert_eq!(outcome, Ok(()), "{console}");
        assert!(console.contains("breast cancer Wisconsin: 456 training rows in 8 batches"), "{console}");
    }

    #[test]
    fn an_explicit_goal_overrides_the_light_goal() {
        let goal = |arguments: &str| {
            let words = std::iter::once("mlbench").chain(arguments.split_whitespace());
            Command::try_parse_from(words).unwrap().args.settings().goal
        };
        assert_eq!(goal(""), 95.0);
        assert_eq!(goal("--light"), 89.0);
        assert_eq!(goal("--light --goal 97.5"), 97.5);
    }

    #[test]
    fn an_unreachable_goal_is_reported_with_the_fix() {
        let (outcome, _) = run_with("--breast-cancer --goal 100 --max-epochs 2");
        let error = outcome.unwrap_err();
        assert!(error.starts_with("--goal: 100% validation accuracy not reached in 2 epochs"), "{error}");
    }

    #[test]
    fn a_file_is_trained_on_and_its_errors_are_named() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("data.txt");
        let rows: String = (0..100).map(|row| format!("{} 1:{}\n", row % 2, row % 2 * 2 - 1)).collect();
        std::fs::write(&file, &rows).unwrap();
        let (outcome, console) = run_with(&format!("--data {} --goal 100", file.display()));
        assert_eq!(outcome, Ok(()), "{console}");
        std::fs::write(&file, rows + "1 x:1\n").unwrap();
        let (outcome, _) = run_with(&format!("--data {}", file.display()));
        assert!(
            outcome
                .unwrap_err()
                .ends_with("line 101: \"x:1\": the index must be a whole number of at least 1")
        );
        let (outcome, _) = run_with("--data /nowhere/data.txt");
        assert!(outcome.unwrap_err().starts_with("cannot read /nowhere/data.txt: "));
    }

    #[test]
    fn invalid_arguments_are_refused() {
        for (arguments, problem) in [
            ("--goal 0", "must be a percentage above 0 and at most 100"),
            ("--learning-rate nan", "must be a number above 0"),
            ("--l2 -1", "must be a number of at least 0"),
            ("--batch-size 0", "must be a whole number of at least 1"),
            ("--synthetic 5", "must be ROWSxFEATURES"),
            ("--synthetic 50x5 --data x", "cannot be used with"),
            ("--synthetic 50x5 --breast-cancer", "cannot be used with"),
            ("--repeats 0", "must be a whole number of at least 1"),
            ("--full-batch --batch-size 5", "cannot be used with"),
        ] {
            let (outcome, _) = run_with(arguments);
            let error = outcome.unwrap_err();
            assert!(error.contains(problem), "{arguments}: {error}");
        }
    }
}
