use std::path::PathBuf;
use std::sync::LazyLock;

use clap::builder::PossibleValue;
use clap::{Args, Subcommand, ValueEnum};
use clap_complete::ArgValueCompleter;
use mlbench_client::{MetricName, PodName};

use super::number::parse_count;
use super::output::{OutputArgs, RowsArgs};
use super::time::TimeArg;
use crate::candidates;
use crate::output::Format;

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  mlbench metrics --run first
  mlbench metrics --run first --all --sort-by=-date
  mlbench metrics --run first --watch
  mlbench metrics --run 2 --since 2018-08-03T09:21:29Z
  mlbench metrics --run first --metric 'train_loss @ 0' --summarize 20
  mlbench metrics --pod local-mlbench-worker-0 --since 10m --last 5 -o csv
  mlbench metrics --run first -o parquet --output-file first.parquet
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
    /// Metrics of this run, by id or name [default: all pods in the cluster]
    #[arg(long, value_name = "RUN", conflicts_with = "pod", add = ArgValueCompleter::new(candidates::runs))]
    pub(crate) run: Option<String>,
    /// Metrics of this pod
    #[arg(
        long,
        value_name = "NAME",
        value_parser = |text: &str| PodName::new(text),
        add = ArgValueCompleter::new(candidates::pods)
    )]
    pub(crate) pod: Option<PodName>,
    /// Go on and show points as they arrive, until the run has ended. First come the newest of each metric
    #[arg(short, long, conflicts_with_all = ["since", "until", "all", "last", "summarize", "output_file"])]
    pub(crate) watch: bool,
    /// Only points at or after TIME: a date (2018-08-03T09:21:29Z) or an age (30s, 10m, 2h, 1d)
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<TimeArg>,
    /// Only points at or before TIME: a date or an age
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<TimeArg>,
    /// Only the metric with exactly this name. Repeat the flag for several
    #[arg(long, value_name = "NAME", value_parser = |text: &str| MetricName::new(text))]
    pub(crate) metric: Vec<MetricName>,
    /// All points, where a table would have the newest of each metric only. Other formats have all points
    #[arg(long, conflicts_with_all = ["last", "summarize"])]
    pub(crate) all: bool,
    /// Only the newest N points of each metric
    #[arg(long, value_name = "N", value_parser = parse_count)]
    pub(crate) last: Option<u32>,
    /// At most N points of each metric, averaging consecutive points
    #[arg(long, value_name = "N", value_parser = parse_count)]
    pub(crate) summarize: Option<u32>,
    /// Output format: that of lists, or arrow or parquet [default: table on a terminal, else tabs]
    #[arg(short, long, value_enum, value_name = "FORMAT", hide_possible_values = true, display_order = 800)]
    pub(crate) output: Option<PointsFormat>,
    /// File for arrow or parquet, or - for standard output [default: -, but not on a terminal]
    #[arg(short = 'O', long, value_name = "FILE", display_order = 801)]
    pub(crate) output_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) rows: RowsArgs,
}

/// The format of points: that of lists, or bytes for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PointsFormat {
    /// A format of lists.
    Printed(Format),
    /// An Apache Arrow IPC stream.
    Arrow,
    /// An Apache Parquet file.
    Parquet,
}

impl ValueEnum for PointsFormat {
    fn value_variants<'a>() -> &'a [Self] {
        static ALL: LazyLock<Vec<PointsFormat>> = LazyLock::new(|| {
            let printed = Format::value_variants().iter().map(|&format| PointsFormat::Printed(format));
            printed.chain([PointsFormat::Arrow, PointsFormat::Parquet]).collect()
        });
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Printed(format) => format.to_possible_value(),
            Self::Arrow => Some(PossibleValue::new("arrow").help("An Apache Arrow IPC stream")),
            Self::Parquet => Some(PossibleValue::new("parquet").help("An Apache Parquet file")),
        }
    }
}

impl PointsFormat {
    /// Returns the format of a printer. `None` for one that no terminal shows.
    pub(crate) const fn printed(self) -> Option<Format> {
        match self {
            Self::Printed(format) => Some(format),
            Self::Arrow | Self::Parquet => None,
        }
    }

    /// Returns the format that the server writes as bytes.
    pub(crate) const fn binary(self) -> Option<mlbench_client::Format> {
        match self {
            Self::Arrow => Some(mlbench_client::Format::Arrow),
            Self::Parquet => Some(mlbench_client::Format::Parquet),
            Self::Printed(_) => None,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum MetricsCommand {
    /// Store a metric of a run or a pod and show it as stored
    Post(PostArgs),
}

#[derive(Debug, Args)]
#[command(
    group(clap::ArgGroup::new("owner").args(["run", "pod"]).required(true)),
    after_help = "\
Examples:
  mlbench metrics post --run first --name 'accuracy @ 0' --value 0.7845
  mlbench metrics post --pod local-mlbench-worker-0 --name load --value 0.6
  mlbench metrics post --run 2 --name note --value ok --date 10m"
)]
pub(crate) struct PostArgs {
    /// Run that the metric belongs to, by id or name
    #[arg(long, value_name = "RUN", add = ArgValueCompleter::new(candidates::runs))]
    pub(crate) run: Option<String>,
    /// Pod that the metric belongs to
    #[arg(
        long,
        value_name = "NAME",
        value_parser = |text: &str| PodName::new(text),
        add = ArgValueCompleter::new(candidates::pods)
    )]
    pub(crate) pod: Option<PodName>,
    /// Name of the metric
    #[arg(long, value_name = "NAME", value_parser = |text: &str| MetricName::new(text))]
    pub(crate) name: MetricName,
    /// Measured value: a number or any text
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub(crate) value: String,
    /// Time of the measurement: a date or an age such as 10m [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) date: Option<TimeArg>,
    /// Mark the value as one that adds up over time
    #[arg(long)]
    pub(crate) cumulative: bool,
    /// Free text to store with the metric
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
