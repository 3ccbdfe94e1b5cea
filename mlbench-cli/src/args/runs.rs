use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use mlbench_client::{OutputStream, RunName};

use super::OutputArgs;
use super::when::duration;

#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// Start a run
    Start(StartArgs),
    /// List all runs: active, failed and finished
    List(OutputArgs),
    /// Show all about one run
    #[command(after_help = "Example:\n  mlbench runs show first -o json")]
    Show(OneRunArgs),
    /// Wait until a run has ended; exit code 6 when it did not end well
    Wait(WaitArgs),
    /// End a run; it is STOPPED a moment later
    #[command(after_help = "Example:\n  mlbench runs stop 3 && mlbench runs wait 3")]
    Stop(OneRunArgs),
    /// Remove a run with its metrics and output; an active one is stopped
    #[command(after_help = "Example:\n  mlbench runs delete 3")]
    Delete(RunArg),
    /// Print the output of a run, every line with its rank
    Logs(LogsArgs),
    /// Download the metrics of a run and its pods as a zip archive
    Download(DownloadArgs),
}

#[derive(Debug, Args)]
pub(crate) struct RunArg {
    /// Its id, or its name (the newest of several)
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
}

#[derive(Debug, Args)]
pub(crate) struct OneRunArgs {
    #[command(flatten)]
    pub(crate) run: RunArg,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
In the command, {hosts} {run_id} {rank} {backend} are replaced. With mpi it is started on the first worker behind \
mpirun, with any other backend or none on every worker.

Examples:
  mlbench runs start --name first
  mlbench runs start --name two --workers 2 --cpus 0.5 --light --wait
  mlbench runs start --name mine --command 'python train.py --rank {rank} --hosts {hosts}'
  mlbench runs start --name job --image registry.example/job --command ./job --backend mpi")]
pub(crate) struct StartArgs {
    /// What to call it: 1 to 100 characters
    #[arg(long, value_name = "NAME", value_parser = |text: &str| RunName::new(text))]
    pub(crate) name: RunName,
    /// Number of workers [default: all there are]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) workers: Option<u32>,
    /// Cores of each worker, may be fractional [default: unlimited]
    #[arg(long, value_name = "C", value_parser = positive)]
    pub(crate) cpus: Option<f64>,
    /// Container image: an official one, or with --command any
    #[arg(long, value_name = "IMAGE")]
    pub(crate) image: Option<String>,
    /// What the workers run [default: that of the image, else the server's]
    #[arg(long, value_name = "COMMAND", allow_hyphen_values = true)]
    pub(crate) command: Option<String>,
    /// How the workers find each other: mpi, gloo, nccl, or a name of your own
    #[arg(long, value_name = "BACKEND")]
    pub(crate) backend: Option<String>,
    /// Start the command on the first worker only
    #[arg(long)]
    pub(crate) first_worker_only: bool,
    /// Ask for GPUs
    #[arg(long)]
    pub(crate) gpu: bool,
    /// Train to the light goal
    #[arg(long)]
    pub(crate) light: bool,
    /// Wait until it has ended; exit code 6 when it did not end well
    #[arg(long)]
    pub(crate) wait: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  mlbench runs wait first --timeout 10m")]
pub(crate) struct WaitArgs {
    #[command(flatten)]
    pub(crate) run: RunArg,
    /// Wait no longer than 30s, 10m, 2h; exit code 1 when it is still active then
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Lines begin with the rank that wrote them, [mlbench] marks notes of the server; with --rank they stand alone. With -o json \
there is one JSON object per line.

Examples:
  mlbench runs logs first --follow
  mlbench runs logs 3 --rank 0 --stream stderr")]
pub(crate) struct LogsArgs {
    #[command(flatten)]
    pub(crate) run: RunArg,
    /// Go on until the run has ended
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Only what this rank wrote
    #[arg(long, value_name = "N")]
    pub(crate) rank: Option<u32>,
    /// Only what was written there
    #[arg(long, value_enum, value_name = "STREAM")]
    pub(crate) stream: Option<Stream>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

impl From<Stream> for OutputStream {
    fn from(stream: Stream) -> Self {
        match stream {
            Stream::Stdout => Self::Stdout,
            Stream::Stderr => Self::Stderr,
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mlbench runs download first
  mlbench runs download 3 --output first.zip
  mlbench runs download 3 --output - | bsdtar -tf -")]
pub(crate) struct DownloadArgs {
    /// Its id, or its name (the newest of several) [default: the newest run]
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,
    /// Where to write it, - for standard output [default: metrics_NAME.zip]
    #[arg(short, long, value_name = "FILE.zip")]
    pub(crate) output: Option<PathBuf>,
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "must be a number above 0, like 2 or 0.5".to_owned())
}
