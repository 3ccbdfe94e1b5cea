//! [`Cli`]: the top-level command and the flags that every command accepts.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use mlbench_client::DEFAULT_URL;
use mlbench_core::quote::shorten;

use super::import::ImportArgs;
use super::kube::{HEADING, KubeArgs};
use super::log::LogArgs;
use super::metrics::{MetricsArgs, PointsFormat};
use super::output::{ListOutputArgs, screen};
use super::runs::{RunsCommand, SetArgs};
use super::shell::{CompletionsArgs, ManArgs};
use super::top::TopArgs;
use crate::benchmarks::BenchmarkArgs;
use crate::output::{ColorChoice, Format, Screen};
use crate::version::VERSION;

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
  130  interrupted with Ctrl-C (143 with SIGTERM)

Data goes to standard output, messages go to standard error.

Examples:
  mlbench runs start --name first --workers 2 --wait
  mlbench runs logs first --follow
  mlbench metrics --run first --metric 'val_global_Prec@1 @ 0' --last 1
  mlbench --url http://127.0.0.1:9000 pods -o json";

/// Run distributed machine-learning benchmarks and read their metrics
#[derive(Debug, Parser)]
#[command(name = "mlbench", version = VERSION, after_help = AFTER_HELP)]
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
    /// Colour states: auto, always or never [default: auto, which is on a terminal without NO_COLOR]
    #[arg(
        long,
        global = true,
        display_order = 910,
        help_heading = HEADING,
        value_enum,
        value_name = "WHEN",
        hide_possible_values = true,
        default_value = "auto",
        hide_default_value = true
    )]
    color: ColorChoice,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that select the server, and what to use instead of them where they have no effect.
const SERVER_FLAGS: [(&str, &str); 6] = [
    ("url", "use --report-to"),
    ("token_file", "set MLBENCH_TOKEN"),
    ("kube", "use --report-to"),
    ("kube_context", "use --report-to"),
    ("kube_namespace", "use --report-to"),
    ("kube_release", "use --report-to"),
];

impl Cli {
    /// Parses the arguments of this process. Ends it with exit code 2 if they are not valid.
    pub(crate) fn from_command_line() -> Self {
        Self::from_words(std::env::args_os()).unwrap_or_else(|error| error.exit())
    }

    /// Parses arguments, and refuses flags that would have no effect.
    pub(super) fn from_words<T: Into<OsString> + Clone>(
        words: impl IntoIterator<Item = T>,
    ) -> Result<Self, clap::Error> {
        let mut command = with_negative_numbers(Self::command());
        let matches = command.try_get_matches_from_mut(words).map_err(shortened)?;
        let cli = Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
        match cli.flag_without_effect(&matches) {
            Some(problem) => Err(command.error(ErrorKind::ArgumentConflict, problem)),
            None => Ok(cli),
        }
    }

    /// Names a flag on the command line that has no effect. Variables of the environment may have none.
    fn flag_without_effect(&self, matches: &ArgMatches) -> Option<String> {
        let given = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
        let server_flag = || SERVER_FLAGS.into_iter().find(|(id, _)| given(id));
        if matches!(self.command, Command::Benchmark(_)) {
            let (id, instead) = server_flag()?;
            let flag = id.replace('_', "-");
            return Some(format!("--{flag}: no effect on a benchmark; {instead}"));
        }
        if matches!(self.command, Command::Completions(_) | Command::Man(_)) {
            let flag = server_flag()?.0.replace('_', "-");
            return Some(format!("--{flag}: no effect, because no server is asked; leave it out"));
        }
        if let Command::Runs(RunsCommand::Logs(args)) = &self.command
            && let Some(format @ (Format::Table | Format::Wide | Format::Name)) = args.output.output
        {
            return Some(format!(
                "--output {}: no effect on the output of a run; use csv, json or yaml, or leave it out",
                format.as_str()
            ));
        }
        if let Command::Runs(RunsCommand::Logs(args)) = &self.command
            && let Some(format) = args.output.output.filter(|_| args.timestamps)
        {
            let format = format.as_str();
            return Some(format!(
                "--timestamps: no effect with --output {format}, which has all dates; leave it out"
            ));
        }
        if let Some(problem) = self.row_option_without_effect() {
            return Some(problem);
        }
        if let Command::Metrics(args) = &self.command
            && args.show.output_file.is_some()
            && args.show.output.and_then(PointsFormat::binary).is_none()
        {
            let problem = "--output-file: no effect without --output arrow or parquet; redirect standard output instead";
            return Some(problem.to_owned());
        }
        if let Command::Runs(RunsCommand::Set(SetArgs { labels, remove_tag, .. })) = &self.command
            && labels.params.is_empty()
            && labels.tags.is_empty()
            && remove_tag.is_empty()
        {
            return Some("runs set: changes nothing; add --param, --tag or --remove-tag".to_owned());
        }
        (self.kube.kube && given("url"))
            .then(|| "--url: no effect with --kube; give only one of them".to_owned())
    }

    /// Names an option about a list that has no effect in its format.
    fn row_option_without_effect(&self) -> Option<String> {
        let (list, is_ordered) = match &self.command {
            Command::Metrics(args) => {
                return args.show.rows.without_effect(args.show.output.and_then(PointsFormat::printed), true);
            }
            Command::Pods(args) => (args, false),
            Command::Import(args) => (&args.output, false),
            Command::Runs(RunsCommand::List(args)) => (&args.output, false),
            Command::Runs(RunsCommand::Compare(args)) => (&args.output, true),
            _ => return None,
        };
        list.rows.without_effect(list.output.output, is_ordered)
    }

    /// Returns what the user says about standard output.
    pub(crate) fn screen(&self) -> Screen {
        screen(self.color)
    }

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

/// Reads a negative number after an option as its value, whose parser says what is wrong with it.
fn with_negative_numbers(command: clap::Command) -> clap::Command {
    let with = |arg: Arg| {
        let is_option = !arg.is_positional() && arg.get_action().takes_values();
        if is_option { arg.allow_negative_numbers(true) } else { arg }
    };
    command.mut_args(with).mut_subcommands(with_negative_numbers)
}

/// Shortens the argument that an error repeats.
fn shortened(mut error: clap::Error) -> clap::Error {
    for kind in [ContextKind::InvalidValue, ContextKind::InvalidArg, ContextKind::InvalidSubcommand] {
        if let Some(ContextValue::String(text)) = error.get(kind) {
            let short = shorten(text).into_owned();
            error.insert(kind, ContextValue::String(short));
        }
    }
    error
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start, watch, stop and delete runs
    #[command(subcommand)]
    Runs(RunsCommand),
    /// Show the metrics of a run or of pods, or store a metric
    Metrics(MetricsArgs),
    /// Store the metrics that a program writes, read from standard input
    Log(LogArgs),
    /// Import event files of TensorBoard and CSV as runs
    Import(ImportArgs),
    /// List the worker pods in the cluster
    #[command(after_help = "Example:\n  mlbench pods -o csv")]
    Pods(ListOutputArgs),
    /// Watch workers and runs on a dashboard in the terminal
    Top(TopArgs),
    /// Run a built-in reference benchmark, as a worker or by hand
    Benchmark(BenchmarkArgs),
    /// Print the script that makes a shell complete command lines
    Completions(CompletionsArgs),
    /// Write the manual pages of all commands
    Man(ManArgs),
}
