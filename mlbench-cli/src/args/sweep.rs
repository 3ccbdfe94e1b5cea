//! The arguments of `mlbench runs sweep`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueHint};
use mlbench_client::RunName;

use super::measure::MeasureArgs;
use super::number::parse_count;
use super::start::{SettingArgs, parse_given};

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("run").args(["name", "file"]).required(true).multiple(true)))]
#[command(after_help = "\
One run is started for each number of workers, backend and repeat, at most 1000. The first repeats of all of them come \
before the second ones, so that a machine that becomes slower slows no combination in particular. The largest \
numbers of workers come first, because a cluster that lacks the workers refuses them. A next run starts when one has \
ended, so that runs do not disturb each other; where each has machines of its own, --at-once says how many may be \
active.

The runs carry the tag sweep=NAME. A sweep that was interrupted goes on with the same command: it starts only the runs \
that are missing. To repeat a run, delete it before. The plan of a name does not change.

The last output is that of `mlbench runs compare`, and with --output the files of `mlbench runs report`. The exit code \
is 6 if a run failed or was stopped.

Examples:
  mlbench runs sweep --name scaling --workers 1,2,4 --repeats 5
  mlbench runs sweep -f run.yaml --workers 1,2 --backend mpi,gloo --output out
  mlbench runs sweep --name lr --workers 2,4 --command ./train --dry-run
  mlbench runs list --tag sweep=scaling -o name | xargs mlbench runs compare")]
pub(crate) struct SweepArgs {
    /// Name of the sweep. Its runs are named NAME-w2-mpi-1, and so on
    #[arg(long, value_name = "NAME", value_parser = |text: &str| RunName::new(text))]
    pub(crate) name: Option<RunName>,
    /// Read the run from a file of YAML or JSON, - for standard input. Other flags replace its fields
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: Option<PathBuf>,
    /// Numbers of workers, separated by commas [default: that of the file, else all workers]
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = parse_count)]
    pub(crate) workers: Vec<u32>,
    /// Backends, separated by commas: mpi, gloo, nccl or custom names
    #[arg(long, value_name = "BACKEND", value_delimiter = ',', value_parser = parse_given)]
    pub(crate) backend: Vec<String>,
    /// Runs of each combination. From 5 on, the comparison has 95 % intervals
    #[arg(long, value_name = "N", value_parser = parse_count, default_value = "1")]
    pub(crate) repeats: u32,
    /// Runs of the sweep that may be active at the same time
    #[arg(long, value_name = "N", value_parser = parse_count, default_value = "1")]
    pub(crate) at_once: u32,
    #[command(flatten)]
    pub(crate) settings: SettingArgs,
    #[command(flatten)]
    pub(crate) measure: MeasureArgs,
    /// End each run, as finished, when the first point reaches the goal, which then has a metric
    #[arg(long)]
    pub(crate) stop_at_goal: bool,
    /// Directory of a report with tables and charts
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) output: Option<PathBuf>,
    /// Print the runs in their order. Send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}
