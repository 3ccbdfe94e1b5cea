//! Command-line arguments. The environment is read here and in `benchmarks/args.rs` only.

mod cli;
mod context;
mod import;
mod kube;
mod labels;
mod log;
mod measure;
mod metrics;
mod number;
mod output;
mod python;
mod record;
mod requested;
mod runs;
mod server;
mod shell;
mod start;
mod sweep;
#[cfg(test)]
mod tests;
mod time;
mod top;

pub(crate) use self::cli::{Cli, Command, UsageError};
pub(crate) use self::context::ContextCommand;
pub(crate) use self::import::ImportArgs;
pub(crate) use self::kube::KubeArgs;
pub(crate) use self::labels::LabelArgs;
pub(crate) use self::log::LogArgs;
pub(crate) use self::measure::{GoalText, MeasureArgs};
pub(crate) use self::metrics::{MetricsArgs, MetricsCommand, PointsFormat, PostArgs, ShowArgs};
pub(crate) use self::output::{ListOutputArgs, OutputArgs};
pub(crate) use self::python::{PythonChartsArgs, PythonCommand, PythonRunArgs, PythonStatusArgs};
pub(crate) use self::record::RecordArgs;
pub(crate) use self::runs::{
    CompareArgs, ComparedArgs, DownloadArgs, ExportArgs, ImportRunArgs, ListArgs, LogsArgs, OneRunArgs,
    ReportArgs, RunsCommand, SearchArgs, SetArgs, WaitArgs,
};
pub(crate) use self::server::{choice_of, context_file, token_from_env};
pub(crate) use self::shell::Shell;
pub(crate) use self::start::{SettingArgs, StartArgs};
pub(crate) use self::sweep::SweepArgs;
