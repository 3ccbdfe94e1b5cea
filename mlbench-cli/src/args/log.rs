use clap::Args;
use clap_complete::ArgValueCompleter;

use crate::candidates;

#[derive(Debug, Args)]
#[command(after_help = "\
Each line is one metric: NAME=VALUE, or a JSON object with the fields name and \
value, and step, epoch, date, cumulative and metadata if wanted. Metrics are posted in batches in the \
background. While the server is away they wait, for up to 10 minutes. Lines that are no metrics are \
reported and passed over; the exit code is 1 then.

Examples:
  echo 'accuracy=0.7845' | mlbench log --run first
  echo '{\"name\": \"loss\", \"value\": 0.25, \"step\": 100}' | mlbench log --run first
  ./train | mlbench log   # in the command of a run")]
pub(crate) struct LogArgs {
    /// Run that the metrics belong to, by id or name
    #[arg(long, value_name = "RUN", env = "MLBENCH_RUN_ID", hide_env_values = true,
        add = ArgValueCompleter::new(candidates::runs)
    )]
    pub(crate) run: String,
}
