//! Command-line arguments. The environment is read here and in `benchmarks/args.rs` only.

mod cli;
mod kube;
mod labels;
mod log;
mod metrics;
mod number;
mod output;
mod record;
mod runs;
mod shell;
#[cfg(test)]
mod tests;
mod time;

pub(crate) use self::cli::{Cli, Command};
pub(crate) use self::kube::KubeArgs;
pub(crate) use self::log::LogArgs;
pub(crate) use self::metrics::{MetricsArgs, MetricsCommand, PointsFormat, PostArgs, ShowArgs};
pub(crate) use self::output::{ListOutputArgs, OutputArgs};
pub(crate) use self::record::RecordArgs;
pub(crate) use self::runs::{
    CompareArgs, DownloadArgs, ListArgs, LogsArgs, OneRunArgs, RunsCommand, SearchArgs, SetArgs, StartArgs,
    WaitArgs,
};
pub(crate) use self::shell::Shell;
