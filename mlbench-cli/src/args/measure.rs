use std::str::FromStr;

use clap::{Args, ValueEnum};
use mlbench_client::{Direction, Goal, MetricName};

use super::number::parse_finite;

/// By what runs are compared.
#[derive(Debug, Default, Args)]
pub(crate) struct MeasureArgs {
    /// Metric, with or without a rank [default: the one that the programs train to]
    #[arg(long, value_name = "METRIC", value_parser = |text: &str| MetricName::new(text))]
    pub(crate) metric: Option<MetricName>,
    /// Goal: a value, or METRIC>=VALUE or METRIC<=VALUE [default: that of the runs or their programs]
    #[arg(long, value_name = "GOAL", allow_negative_numbers = true)]
    pub(crate) goal: Option<GoalText>,
    /// Which values reach the goal [default: by the name of the metric]
    #[arg(long, value_enum, value_name = "DIRECTION")]
    pub(crate) direction: Option<GoalDirection>,
}

/// A goal as it is written: with its metric, or only its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum GoalText {
    Value(f64),
    Whole(Goal),
}

impl GoalText {
    /// Returns the goal if it has a metric.
    pub(crate) const fn whole(&self) -> Option<&Goal> {
        match self {
            Self::Value(_) => None,
            Self::Whole(goal) => Some(goal),
        }
    }

    pub(crate) const fn value(&self) -> f64 {
        match self {
            Self::Value(value) => *value,
            Self::Whole(goal) => goal.value,
        }
    }
}

impl FromStr for GoalText {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match parse_finite(text) {
            Ok(value) => Ok(Self::Value(value)),
            Err(problem) if !text.contains(['=', '≥', '≤']) => Err(problem.to_owned()),
            Err(_) => text.parse().map(Self::Whole),
        }
    }
}

/// What a run is to reach.
#[derive(Debug, Default, Args)]
pub(crate) struct GoalArgs {
    /// Goal of the run: METRIC>=VALUE or METRIC<=VALUE, such as 'val_global_Prec@1>=80'
    #[arg(long, value_name = "GOAL")]
    pub(crate) goal: Option<Goal>,
    /// End the run, as finished, when the first point reaches its goal
    #[arg(long)]
    pub(crate) stop_at_goal: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum GoalDirection {
    AtLeast,
    AtMost,
}

impl From<GoalDirection> for Direction {
    fn from(direction: GoalDirection) -> Self {
        match direction {
            GoalDirection::AtLeast => Self::AtLeast,
            GoalDirection::AtMost => Self::AtMost,
        }
    }
}
