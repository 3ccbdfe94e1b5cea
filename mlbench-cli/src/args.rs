//! What can be said on the command line. The only place that reads the environment.

mod kube;
mod metrics;
mod runs;
mod when;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use self::kube::KubeArgs;
pub(crate) use metrics::{MetricsArgs, MetricsCommand, PostArgs, ShowArgs};
pub(crate) use runs::{DownloadArgs, LogsArgs, OneRunArgs, RunsCommand, StartArgs, WaitArgs};
pub(crate) use when::When;

use crate::output::Format;
use mlbench_client::DEFAULT_URL;

const EXIT_CODES: &str = "\
Exit codes:
  0    success
  1    failure
  2    wrong usage
  3    not found
  4    not allowed: the server asks for its token, or for another one
  5    conflict: another run is active
  6    the awaited run failed or was stopped
  7    the server cannot be reached
  130  interrupted with Ctrl-C

Data goes to standard output, notes and errors to standard error.

Examples:
  mlbench runs start --name first --workers 2 --wait
  mlbench runs logs first --follow
  mlbench metrics --run first --metric 'val_global_Prec@1 @ 0' --last 1
  mlbench --url http://127.0.0.1:9000 pods -o json";

/// Distributed machine-learning benchmarks: start runs, follow them, read what they measure
#[derive(Debug, Parser)]
#[command(name = "mlbench", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// The server
    #[arg(
        long,
        global = true,
        display_order = 900,
        env = "MLBENCH_URL",
        value_name = "URL",
        default_value = DEFAULT_URL
    )]
    url: String,
    /// File with the token that the server asks for [default: what the variable MLBENCH_TOKEN holds]
    #[arg(long, global = true, display_order = 901, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) kube: KubeArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// The address of the server; a variable that is set to nothing is as good as none.
    pub(crate) fn server(&self) -> &str {
        if self.url.is_empty() { DEFAULT_URL } else { &self.url }
    }

    /// The token in the environment. There is no flag for one: arguments are seen by everybody on this machine.
    pub(crate) fn token_of_environment() -> Option<String> {
        std::env::var("MLBENCH_TOKEN").ok().filter(|token| !token.is_empty())
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start, watch, stop and delete runs
    #[command(subcommand)]
    Runs(RunsCommand),
    /// Show what a run or a pod measured; `metrics post` stores a metric
    Metrics(MetricsArgs),
    /// List the worker pods that are in the cluster now
    #[command(after_help = "Example:\n  mlbench pods -o csv")]
    Pods(OutputArgs),
    /// Run a built-in reference benchmark, as a worker of a run or by hand
    Benchmark(crate::benchmarks::Args),
}

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct OutputArgs {
    /// Form of the output: table, csv or json [default: table on a terminal, else columns separated by tabs]
    #[arg(short, long, value_enum, value_name = "FORM", hide_possible_values = true, display_order = 800)]
    pub(crate) output: Option<Format>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_contradicts_itself_nowhere() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_subcommand_explains_itself() {
        fn check(command: &clap::Command) {
            for sub in command.get_subcommands() {
                assert!(sub.get_about().is_some(), "{}", sub.get_name());
                check(sub);
            }
            for arg in command.get_arguments() {
                assert!(arg.get_help().is_some(), "{} {}", command.get_name(), arg.get_id());
            }
        }
        check(&Cli::command());
    }
}
