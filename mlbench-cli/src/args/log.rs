use std::path::PathBuf;

use clap::Args;
use clap_complete::ArgValueCompleter;

use crate::candidates;

#[derive(Debug, Args)]
#[command(after_help = "\
Each line is one metric: NAME=VALUE, or a JSON object with the fields name and \
value, and step, epoch, date, cumulative and metadata if wanted. Metrics are posted in batches in the \
background. While the server is away they wait, for up to 10 minutes. Lines that are no metrics are \
reported and passed over; the exit code is 1 then.

With --spool they wait in a directory, as long as it takes: input is never held up while the server is away, \
and what has not been sent 10 seconds after its end stays for the next `mlbench log` with this directory, of \
any run. Each metric is stored once, even after a crash. What is lost, because the spool was full for example, \
is reported, and the exit code is 0.

Examples:
  echo 'accuracy=0.7845' | mlbench log --run first
  echo '{\"name\": \"loss\", \"value\": 0.25, \"step\": 100}' | mlbench log --run first
  ./train | mlbench log   # in the command of a run
  ./train | mlbench log --run 7 --spool ~/spool/rank-0
  mlbench log --run 7 --spool ~/spool/rank-0 </dev/null   # send the rest")]
pub(crate) struct LogArgs {
    /// Run that the metrics belong to, by id or name
    #[arg(long, value_name = "RUN", env = "MLBENCH_RUN_ID", hide_env_values = true,
        add = ArgValueCompleter::new(candidates::runs)
    )]
    pub(crate) run: String,
    /// Directory where metrics wait while the server is away
    #[arg(long, value_name = "DIR")]
    pub(crate) spool: Option<PathBuf>,
    /// Most MiB that the spool takes on disk
    #[arg(long, value_name = "MIB", default_value_t = 64, requires = "spool")]
    pub(crate) spool_limit: u64,
}
