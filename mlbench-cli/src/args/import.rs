use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap_complete::ArgValueCompleter;
use mlbench_client::RunName;

use super::labels::LabelArgs;
use super::output::ListOutputArgs;
use super::time::parse_timeout;
use crate::candidates;

#[derive(Debug, Args)]
#[command(after_help = "\
Each directory with event files of TensorBoard (events.out.tfevents.*) becomes an external run, named by its path below \
DIR; a file of CSV becomes one by its name. Scalars become metrics and hyperparameters become parameters; what else is in \
the files is counted.

The first row of CSV names the columns. step, epoch and date (or time, timestamp) say where the points of a row are, and \
every other column is a metric; or the columns name and value hold one metric per row. Empty cells have no point.

Repeat an import that was interrupted, or whose files have grown: it goes on where it stopped.

Examples:
  mlbench import logs/
  mlbench import logs/ --follow --idle-timeout 10m --tag team=vision
  mlbench import losses.csv --name tuned --param lr=0.1
  mlbench import logs/ --dry-run")]
pub(crate) struct ImportArgs {
    /// Directories with event files, event files, or CSV files (*.csv)
    #[arg(value_name = "DIR|FILE", required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Name of the run, or of several runs before their paths [default: by the path]
    #[arg(long, value_name = "NAME", conflicts_with = "run", value_parser = |text: &str| RunName::new(text))]
    pub(crate) name: Option<RunName>,
    /// Run that gets the points, by id or name, instead of a new one. It does not end
    #[arg(long, value_name = "RUN", add = ArgValueCompleter::new(candidates::runs))]
    pub(crate) run: Option<String>,
    #[command(flatten)]
    pub(crate) labels: LabelArgs,
    /// Go on while the files grow and new ones appear, until Ctrl-C, which ends the runs
    #[arg(short, long, conflicts_with = "dry_run")]
    pub(crate) follow: bool,
    /// End when no file has grown for this long (30s, 10m, 2h) [default: no limit]
    #[arg(long, value_name = "DURATION", requires = "follow", value_parser = parse_timeout)]
    pub(crate) idle_timeout: Option<Duration>,
    /// Show what the files hold and send nothing
    #[arg(long, conflicts_with = "run")]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) output: ListOutputArgs,
}
