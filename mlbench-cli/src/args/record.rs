use clap::Args;
use mlbench_client::RunName;

use super::labels::LabelArgs;

#[derive(Debug, Args)]
#[command(after_help = "\
The command runs here, with MLBENCH_URL, MLBENCH_RUN_ID, RANK=0 and WORLD_SIZE=1 in its environment. Where the server \
requires a token, MLBENCH_TOKEN is one with which the command can report to this run only. What it writes goes on as it comes, and to the run. The exit code is that of the command, 128 + N \
for signal N.

While the server is away, up to 8 MiB of output wait for it, and further lines are counted and lost. When the command \
has ended, its output waits 2 more minutes.

Examples:
  mlbench runs record --name notebook -- python train.py
  mlbench runs record --name tuned --param lr=0.1 --tag team=vision -- ./train --lr 0.1")]
pub(crate) struct RecordArgs {
    /// Name of the run, 1 to 100 characters
    #[arg(long, value_name = "NAME", value_parser = |text: &str| RunName::new(text))]
    pub(crate) name: RunName,
    #[command(flatten)]
    pub(crate) labels: LabelArgs,
    /// Command to run, with its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}
