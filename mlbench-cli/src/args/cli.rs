//! [`Cli`]: the top-level command and the flags that every command accepts.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use mlbench_client::DEFAULT_URL;

use super::kube::{HEADING, KubeArgs};
use super::metrics::MetricsArgs;
use super::output::OutputArgs;
use super::runs::RunsCommand;
use crate::benchmarks::BenchmarkArgs;

const AFTER_HELP: &str = "\
Exit codes:
  0    success
  1    failure
  2    usage error
  3    not found
  4    authentication failed: token missing or not accepted
  5    conflict: another run is active
  6    the awaited run failed or was stopped
  7    server unreachable
  130  interrupted with Ctrl-C

Data goes to standard output, messages go to standard error.

Examples:
  mlbench runs start --name first --workers 2 --wait
  mlbench runs logs first --follow
  mlbench metrics --run first --metric 'val_global_Prec@1 @ 0' --last 1
  mlbench --url http://127.0.0.1:9000 pods -o json";

/// Run distributed machine-learning benchmarks and read their metrics
#[derive(Debug, Parser)]
#[command(name = "mlbench", version, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// URL of the server
    #[arg(
        long,
        global = true,
        display_order = 900,
        help_heading = HEADING,
        env = "MLBENCH_URL",
        hide_env_values = true,
        value_name = "URL",
        default_value = DEFAULT_URL
    )]
    url: String,
    /// File with the bearer token [default: the token in MLBENCH_TOKEN]
    #[arg(long, global = true, display_order = 901, help_heading = HEADING, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) kube: KubeArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// Returns the URL of the server. An empty `MLBENCH_URL` counts as unset.
    pub(crate) fn server_url(&self) -> &str {
        if self.url.is_empty() { DEFAULT_URL } else { &self.url }
    }

    /// Returns the token in `MLBENCH_TOKEN`.
    ///
    /// No flag accepts a token, because other users can read the arguments of a process.
    pub(crate) fn token_from_env() -> Option<String> {
        std::env::var("MLBENCH_TOKEN").ok().filter(|token| !token.is_empty())
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start, watch, stop and delete runs
    #[command(subcommand)]
    Runs(RunsCommand),
    /// Show the metrics of a run or of pods, or store a metric
    Metrics(MetricsArgs),
    /// List the worker pods in the cluster
    #[command(after_help = "Example:\n  mlbench pods -o csv")]
    Pods(OutputArgs),
    /// Run a built-in reference benchmark, as a worker of a run or by hand
    Benchmark(BenchmarkArgs),
}
