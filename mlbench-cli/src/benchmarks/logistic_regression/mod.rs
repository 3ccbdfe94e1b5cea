//! Logistic regression by synchronous data-parallel SGD: how long until the goal, and where the time goes.
//!
//! Every worker holds its part of every global batch. In each step it works out the gradient over its rows, the ring
//! sums the gradients, and all take the same step. The batch does not grow with the number of workers, so that one and
//! many take the same steps, but for rounding, and their times to accuracy can be compared.

mod model;
mod steps;
mod train;

use std::io::Write;
use std::path::PathBuf;

use super::Error;
use super::args::WorldArgs;
use super::data::{Shape, Share, Source, Synthetic};
use super::report::Reporter;
use train::{Settings, train};

/// The official goals of logistic regression, in percent: the default, and with `--light`.
const GOAL: f64 = 95.0;
const LIGHT_GOAL: f64 = 89.0;

// No doc comment on the struct: clap would take it for the description of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    world: WorldArgs,
    /// File in the LibSVM format to learn from [default: breast cancer Wisconsin, shipped with this program]
    #[arg(long, value_name = "FILE", conflicts_with = "synthetic")]
    data: Option<PathBuf>,
    /// Learn from made data of this size, like 20000x500
    #[arg(long, value_name = "ROWSxFEATURES")]
    synthetic: Option<Shape>,
    /// Names the made data and the order of the batches
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Rows of one step, of all workers together
    #[arg(long, value_name = "ROWS", default_value = "64")]
    batch_size: std::num::NonZeroUsize,
    /// Take all rows in every step: gradient descent
    #[arg(long, conflicts_with = "batch_size")]
    full_batch: bool,
    /// Learning rate of the first step; in step t it is RATE / (1 + RATE * L2 * t)
    #[arg(long, value_name = "RATE", default_value = "0.1", value_parser = positive, allow_negative_numbers = true)]
    learning_rate: f64,
    /// Weight of the L2 penalty
    #[arg(long, default_value = "0.0001", value_parser = not_negative, allow_negative_numbers = true)]
    l2: f64,
    /// Validation accuracy to reach, in percent [default: 95, with --light 89]
    #[arg(long, value_name = "PERCENT", value_parser = percent, allow_negative_numbers = true)]
    goal: Option<f64>,
    /// Go for the light goal
    #[arg(long)]
    light: bool,
    /// Validate and report after every so many epochs; the goal is reached when validation finds it
    #[arg(long, value_name = "EPOCHS", default_value = "1")]
    validate_every: std::num::NonZeroUsize,
    /// Give up after so many epochs
    #[arg(long, value_name = "EPOCHS", default_value = "1000")]
    max_epochs: std::num::NonZeroUsize,
}

impl Args {
    fn settings(&self) -> Settings {
        Settings {
            seed: self.seed,
            learning_rate: self.learning_rate,
            l2: self.l2,
            goal: self.goal.unwrap_or(if self.light { LIGHT_GOAL } else { GOAL }),
            validate_every: self.validate_every.get(),
            max_epochs: self.max_epochs.get(),
        }
    }

    fn source(&self) -> Result<(Source, String), Error> {
        Ok(match (&self.synthetic, &self.data) {
            (Some(shape), _) => {
                let name = format!("made data, seed {}", self.seed);
                (Source::Synthetic(Synthetic::new(*shape, self.seed)), name)
            }
            (None, Some(path)) => (Source::file(path)?, path.display().to_string()),
            (None, None) => (Source::breast_cancer()?, "breast cancer Wisconsin".to_owned()),
        })
    }
}

/// Trains as one worker until the goal is reached.
///
/// # Errors
/// [`Error::GoalNotReached`], or what kept it from training or from reporting.
pub(crate) fn run(args: &Args, console: &mut dyn Write) -> Result<(), Error> {
    let place = args.world.place()?;
    let (rank, workers) = (place.rank, place.addresses.len());
    if rank == 0 {
        args.world.remark(console)?;
    }
    let mut reporter = Reporter::new(args.world.destination(), rank, console)?;
    // The data come first: the others wait longer for a worker to appear than for one that has fallen silent.
    let (source, name) = args.source()?;
    let features = source.features();
    let batch_size = (!args.full_batch).then_some(args.batch_size.get());
    let share = Share::of(&source, batch_size, rank, workers)?;
    drop(source);
    let mut ring = args.world.form_ring(&place)?;
    if rank == 0 {
        reporter.say(format_args!(
            "{name}: {} rows to train on in {} batches, {} to validate on, {features} features; {workers} worker{}",
            share.train_total,
            share.batches.len(),
            share.validation_total,
            if workers == 1 { "" } else { "s" },
        ))?;
    }
    let outcome = train(&args.settings(), &share, &mut ring, &mut reporter).map(drop);
    // What was measured up to a failure is worth keeping too.
    let stored = reporter.finish();
    outcome.and(stored)
}

fn number(text: &str, fits: impl Fn(f64) -> bool, expected: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|number: &f64| number.is_finite() && fits(*number))
        .ok_or_else(|| expected.to_owned())
}

fn positive(text: &str) -> Result<f64, String> {
    number(text, |number| number > 0.0, "write a number above 0")
}

fn not_negative(text: &str) -> Result<f64, String> {
    number(text, |number| number >= 0.0, "write a number from 0")
}

fn percent(text: &str) -> Result<f64, String> {
    number(text, |number| number > 0.0 && number <= 100.0, "write a percentage above 0, at most 100")
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
    fn the_shipped_data_are_learned_to_the_goal_with_the_official_arguments() {
        let (outcome, console) = run_with("--run_id 1 --rank 0 --hosts 127.0.0.1 --backend gloo");
        assert_eq!(outcome, Ok(()), "{console}");
        assert!(console.contains("95% Top 1 Validation Accuracy reached in "), "{console}");
    }

    #[test]
    fn the_light_goal_is_lower_and_an_own_goal_beats_both() {
        let goal = |arguments: &str| {
            let words = std::iter::once("mlbench").chain(arguments.split_whitespace());
            Command::try_parse_from(words).unwrap().args.settings().goal
        };
        assert_eq!((goal(""), goal("--light"), goal("--light --goal 97.5")), (95.0, 89.0, 97.5));
    }

    #[test]
    fn a_goal_out_of_reach_is_a_clear_failure() {
        let (outcome, _) = run_with("--goal 100 --max-epochs 2");
        let error = outcome.unwrap_err();
        assert!(
            error.starts_with("the goal of 100% validation accuracy was not reached in 2 epochs"),
            "{error}"
        );
    }

    #[test]
    fn a_file_is_learned_from_and_its_faults_are_named() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("data.txt");
        let rows: String = (0..100).map(|row| format!("{} 1:{}\n", row % 2, row % 2 * 2 - 1)).collect();
        std::fs::write(&file, &rows).unwrap();
        let (outcome, console) = run_with(&format!("--data {} --goal 100", file.display()));
        assert_eq!(outcome, Ok(()), "{console}");
        std::fs::write(&file, rows + "1 x:1\n").unwrap();
        let (outcome, _) = run_with(&format!("--data {}", file.display()));
        assert!(
            outcome.unwrap_err().ends_with("line 101: the index of \"x:1\" is not a whole number from 1")
        );
        let (outcome, _) = run_with("--data /nowhere/data.txt");
        assert!(outcome.unwrap_err().starts_with("cannot read /nowhere/data.txt: "));
    }

    #[test]
    fn impossible_arguments_are_refused() {
        for (arguments, problem) in [
            ("--goal 0", "write a percentage above 0, at most 100"),
            ("--learning-rate nan", "write a number above 0"),
            ("--l2 -1", "write a number from 0"),
            ("--batch-size 0", "--batch-size"),
            ("--synthetic 5", "write ROWSxFEATURES"),
            ("--synthetic 50x5 --data x", "cannot be used with"),
            ("--full-batch --batch-size 5", "cannot be used with"),
        ] {
            let (outcome, _) = run_with(arguments);
            let error = outcome.unwrap_err();
            assert!(error.contains(problem), "{arguments}: {error}");
        }
    }
}
