use clap::{Args, ValueEnum};
use mlbench_client::{Direction, MetricName};

use super::number::parse_finite;

/// By what runs are compared.
#[derive(Debug, Default, Args)]
pub(crate) struct MeasureArgs {
    /// Metric, with or without a rank [default: the one that the programs train to]
    #[arg(long, value_name = "METRIC", value_parser = |text: &str| MetricName::new(text))]
    pub(crate) metric: Option<MetricName>,
    /// Goal [default: the one that the programs train to]
    #[arg(long, value_name = "VALUE", value_parser = parse_finite, allow_negative_numbers = true)]
    pub(crate) goal: Option<f64>,
    /// Which values reach the goal [default: by the name of the metric]
    #[arg(long, value_enum, value_name = "DIRECTION")]
    pub(crate) direction: Option<GoalDirection>,
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
