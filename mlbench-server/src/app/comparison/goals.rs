//! The goals that programs train to, as their images and commands say.

use mlbench_core::goal::{Direction, Goal};
use mlbench_core::run::RunSpec;

use crate::app::runs::{PRECISION, official};

/// Goals of `mlbench benchmark logistic-regression`, in percent.
const GOAL: f64 = 95.0;
const LIGHT_GOAL: f64 = 89.0;

/// Returns the goal that the program of a run trains to, where it is known.
pub(super) fn of_program(spec: &RunSpec) -> Option<Goal> {
    let light = |args: &[String]| spec.light_target || args.iter().any(|arg| arg == "--light");
    let args = shell_words::split(&spec.command).unwrap_or_default();
    if let Some(image) = &spec.image {
        let goal = official(image)?.goal?;
        let value = if light(&args) { goal.light } else { goal.full };
        return Some(Goal { metric: goal.metric.to_owned(), direction: goal.direction, value });
    }
    let at = args.windows(2).position(|pair| pair == ["benchmark", "logistic-regression"])?;
    let args = &args[at + 2..];
    let value = option(args, "--goal").unwrap_or(if light(args) { LIGHT_GOAL } else { GOAL });
    Some(Goal { metric: PRECISION.to_owned(), direction: Direction::AtLeast, value })
}

/// Returns the number that an option has: `--goal 90` or `--goal=90`.
fn option(args: &[String], name: &str) -> Option<f64> {
    let value = |(index, arg): (usize, &String)| match arg.strip_prefix(name)? {
        "" => args.get(index + 1)?.parse().ok(),
        rest => rest.strip_prefix('=')?.parse().ok(),
    };
    args.iter().enumerate().find_map(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goal(image: Option<&str>, command: &str, light_target: bool) -> Option<(String, f64)> {
        let image = image.map(ToOwned::to_owned);
        let spec = RunSpec { image, light_target, ..RunSpec::running(command) };
        of_program(&spec).map(|goal| (goal.metric, goal.value))
    }

    #[test]
    fn official_images_have_the_goals_of_the_table() {
        let of = |image: &str, light| goal(Some(image), "main.py", light);
        let named = |metric: &str, value| Some((metric.to_owned(), value));
        let lstm = "mlbench/pytorch-wikitext2-lstm-all-reduce:latest";
        assert_eq!(of(lstm, false), named("val_global_Perplexity", 70.0));
        assert_eq!(of(lstm, true), named("val_global_Perplexity", 90.0));
        assert_eq!(of("mlbench/pytorch-cifar10-resnet20-ddp:latest", false), named(PRECISION, 80.0));
        assert_eq!(of("mlbench/pytorch-backend-benchmark:latest", false), None);
        assert_eq!(of("busybox", false), None);
    }

    #[test]
    fn the_benchmark_of_the_command_line_has_the_goal_of_its_arguments() {
        let of = |args: &str, light| {
            let command = format!("'/a b/mlbench' benchmark logistic-regression --rank {{rank}} {args}");
            goal(None, &command, light).map(|(_, value)| value)
        };
        assert_eq!((of("", false), of("", true), of("--light", false)), (Some(95.0), Some(89.0), Some(89.0)));
        assert_eq!((of("--goal 97.5", true), of("--goal=60", false)), (Some(97.5), Some(60.0)));
        assert_eq!(goal(None, "mlbench benchmark all-reduce", false), None);
        assert_eq!(goal(None, "python train.py --goal 90", false), None);
        assert_eq!(goal(None, "echo 'open", false), None);
    }
}
