use clap::{Args, Subcommand};
use mlbench_client::{MetricName, PodName};

use super::{OutputArgs, When};

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  mlbench metrics --run 2 --since 2018-08-03T09:21:29Z
  mlbench metrics --run first --metric 'train_loss @ 0' --summarize 20
  mlbench metrics --pod local-mlbench-worker-0 --since 10m --last 5 -o csv
  mlbench metrics post --run 2 --name accuracy --value 0.7845"
)]
pub(crate) struct MetricsArgs {
    #[command(flatten)]
    pub(crate) show: ShowArgs,
    #[command(subcommand)]
    pub(crate) command: Option<MetricsCommand>,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Metrics of this run: its id or its name [default: those of all pods in the cluster]
    #[arg(long, value_name = "RUN", conflicts_with = "pod")]
    pub(crate) run: Option<String>,
    /// Metrics of this pod
    #[arg(long, value_name = "NAME", value_parser = |text: &str| PodName::new(text))]
    pub(crate) pod: Option<PodName>,
    /// Points at or after a date (2018-08-03T09:21:29Z) or not older than 30s, 10m, 2h, 1d
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<When>,
    /// Points at or before a date, or at least so old
    #[arg(long, value_name = "WHEN")]
    pub(crate) until: Option<When>,
    /// Only the metric of exactly this name; several are given one by one
    #[arg(long, value_name = "NAME", value_parser = |text: &str| MetricName::new(text))]
    pub(crate) metric: Vec<MetricName>,
    /// The newest N points of each metric
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) last: Option<u32>,
    /// At most N points of each metric, by averaging consecutive ones
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) summarize: Option<u32>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MetricsCommand {
    /// Store a metric of a run or a pod, and show what was stored
    Post(PostArgs),
}

#[derive(Debug, Args)]
#[command(
    group(clap::ArgGroup::new("owner").args(["run", "pod"]).required(true)),
    after_help = "\
Examples:
  mlbench metrics post --run first --name 'accuracy @ 0' --value 0.7845
  mlbench metrics post --pod local-mlbench-worker-0 --name temperature --value 61 --date 10m --metadata 'GPU 0'"
)]
pub(crate) struct PostArgs {
    /// The run it belongs to: its id or its name
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
    /// The pod it belongs to
    #[arg(long, value_name = "NAME", value_parser = |text: &str| PodName::new(text))]
    pub(crate) pod: Option<PodName>,
    /// Its name
    #[arg(long, value_name = "NAME", value_parser = |text: &str| MetricName::new(text))]
    pub(crate) name: MetricName,
    /// What was measured: a number or any text
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub(crate) value: String,
    /// When it was measured, a date or an age like 10m [default: now]
    #[arg(long, value_name = "WHEN")]
    pub(crate) date: Option<When>,
    /// The value adds up over time
    #[arg(long)]
    pub(crate) cumulative: bool,
    /// Free text that is kept with it
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    pub(crate) metadata: String,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
