//! [`Cli`]: the top-level command and the flags that every command accepts.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::ArgValueCompleter;
use mlbench_core::quote::shorten;

use super::context::ContextCommand;
use super::import::ImportArgs;
use super::kube::{HEADING, KubeArgs};
use super::log::LogArgs;
use super::metrics::{MetricsArgs, PointsFormat};
use super::output::{ListOutputArgs, screen};
use super::python::PythonCommand;
use super::requested::{asks_for_json, format_of};
use super::runs::{RunsCommand, SetArgs};
use super::server::choice_of;
use super::shell::{CompletionsArgs, ManArgs};
use super::top::TopArgs;
use crate::benchmarks::BenchmarkArgs;
use crate::candidates;
use crate::contexts::{Choice, Given};
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

Data goes to standard output, messages go to standard error. With -o json, yaml or ndjson, the last line of standard \
error is a JSON object about the failure: code, message, field, hint, status, request_id and exit_code.

Examples:
  mlbench runs start --name first --workers 2 --wait
  mlbench runs logs first --follow
  mlbench metrics --run first --metric 'val_global_Prec@1 @ 0' --last 1
  mlbench --url http://127.0.0.1:9000 pods -o json";

/// Run distributed machine-learning benchmarks and read their metrics
#[derive(Debug, Parser)]
#[command(name = "mlbench", version = VERSION, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// URL of the server [default: that of the context, else http://127.0.0.1:8000] [env: MLBENCH_URL]
    // `choice_of` reads the variables: clap would take them for arguments, and repeat them in what it says is missing.
    #[arg(long, global = true, display_order = 900, help_heading = HEADING, value_name = "URL")]
    url: Option<String>,
    /// Server with this name in `mlbench context list` [default: the current one] [env: MLBENCH_CONTEXT]
    #[arg(
        long,
        global = true,
        display_order = 901,
        help_heading = HEADING,
        value_name = "NAME",
        add = ArgValueCompleter::new(candidates::contexts)
    )]
    context: Option<String>,
    /// File with the bearer token [default: the token in MLBENCH_TOKEN, else of the context]
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
    /// What these options and the environment say about the server.
    #[arg(skip)]
    choice: Choice,
    /// The output format that the command is asked for.
    #[arg(skip)]
    format: Option<Format>,
}

/// Why a command line is not carried out: what is wrong with it, or the help that it asks for.
pub(crate) struct UsageError {
    pub(crate) error: clap::Error,
    /// Whether it asks for JSON or YAML, so that a program reads what is wrong.
    pub(crate) wants_json: bool,
    /// Whether a terminal may have colours.
    pub(crate) has_colour: bool,
}

/// Flags that select the server, and what to use instead of them where they have no effect.
const SERVER_FLAGS: [(&str, &str); 7] = [
    ("url", "use --report-to"),
    ("context", "use --report-to"),
    ("token_file", "set MLBENCH_TOKEN"),
    ("kube", "use --report-to"),
    ("kube_context", "use --report-to"),
    ("kube_namespace", "use --report-to"),
    ("kube_release", "use --report-to"),
];

impl Cli {
    /// Parses the arguments of this process.
    pub(crate) fn from_command_line() -> Result<Self, UsageError> {
        let words: Vec<OsString> = std::env::args_os().collect();
        Self::from_words(&words).map_err(|error| UsageError {
            wants_json: asks_for_json(&Self::command(), &words),
            has_colour: screen(ColorChoice::Auto).has_colour(true),
            error,
        })
    }

    /// Parses arguments, and refuses flags that would have no effect.
    pub(crate) fn from_words<T: Into<OsString> + Clone>(
        words: impl IntoIterator<Item = T>,
    ) -> Result<Self, clap::Error> {
        let mut command = with_negative_numbers(Self::command());
        let matches = command.try_get_matches_from_mut(words).map_err(shortened)?;
        let mut cli = Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
        cli.choice = choice_of(&matches);
        cli.format = format_of(&matches);
        if let Command::Python(python) = &cli.command
            && let Some(url) = python.dashboard_url()
        {
            cli.choice.url = Given { value: Some(url), is_flag: true };
        }
        match cli.flag_without_effect(&matches) {
            Some(problem) => Err(command.error(ErrorKind::ArgumentConflict, problem)),
            None => Ok(cli),
        }
    }

    /// Names a flag on the command line that has no effect. Variables of the environment may have none.
    fn flag_without_effect(&self, matches: &ArgMatches) -> Option<String> {
        let given = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
        let server_flag = || SERVER_FLAGS.into_iter().find(|(id, _)| given(id));
        if let Command::Python(python) = &self.command
            && let Some(problem) = python.problem(given)
        {
            return Some(problem);
        }
        if matches!(self.command, Command::Benchmark(_)) {
            let (id, instead) = server_flag()?;
            let flag = id.replace('_', "-");
            return Some(format!("--{flag}: no effect on a benchmark; {instead}"));
        }
        if let Command::Context(ContextCommand::Add(_)) = self.command {
            let has_effect = |id: &str| matches!(id, "url" | "token_file");
            let (id, _) = SERVER_FLAGS.into_iter().find(|(id, _)| given(id) && !has_effect(id))?;
            let flag = id.replace('_', "-");
            return Some(format!("--{flag}: no effect on a new context; give --url"));
        }
        if matches!(self.command, Command::Completions(_) | Command::Man(_) | Command::Context(_)) {
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
        if let Command::Runs(RunsCommand::Start(args)) = &self.command
            && args.follow
            && args.output.output.is_some()
        {
            return Some("--output: no effect with --follow; use --wait, or leave it out".to_owned());
        }
        if let Some(problem) = self.row_option_without_effect() {
            return Some(problem);
        }
        if let Command::Metrics(args) = &self.command
            && args.show.watch
            && args.show.output.and_then(PointsFormat::binary).is_some()
        {
            return Some(
                "--output: arrow and parquet have no effect with --watch; use ndjson or csv".to_owned(),
            );
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
        if self.kube.kube && matches!(self.command, Command::Login | Command::Logout) {
            return Some(
                "--kube: no effect on a stored token; use --token-file with --kube instead".to_owned(),
            );
        }
        if matches!(self.command, Command::Logout) && given("token_file") {
            return Some("--token-file: no effect on logout; leave it out".to_owned());
        }
        let pairs = [("url", "context"), ("url", "kube"), ("context", "kube")];
        let (flag, other) = pairs.into_iter().find(|(flag, other)| given(flag) && given(other))?;
        Some(format!("--{flag}: no effect with --{other}; give only one of them"))
    }

    /// Names an option about a list that has no effect in its format.
    fn row_option_without_effect(&self) -> Option<String> {
        let (list, is_ordered) = match &self.command {
            Command::Metrics(args) => {
                return args.show.rows.without_effect(args.show.output.and_then(PointsFormat::printed), true);
            }
            Command::Pods(args) | Command::Context(ContextCommand::List(args)) => (args, false),
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

    /// Returns whether the user wants JSON or YAML, so that a program reads errors too.
    pub(crate) const fn wants_json(&self) -> bool {
        matches!(self.format, Some(Format::Json | Format::Yaml | Format::Ndjson))
    }

    /// Returns whether the command sends something that the server may carry out after an interruption.
    pub(crate) const fn changes_the_server(&self) -> bool {
        match &self.command {
            Command::Runs(command) => matches!(
                command,
                RunsCommand::Start(_)
                    | RunsCommand::Set(_)
                    | RunsCommand::Stop(_)
                    | RunsCommand::Delete(_)
                    | RunsCommand::Import(_)
            ),
            Command::Metrics(args) => args.command.is_some(),
            Command::Log(_) | Command::Import(_) => true,
            Command::Python(command) => {
                matches!(command, PythonCommand::Run(_) | PythonCommand::Delete { .. })
            }
            _ => false,
        }
    }

    /// Returns what the command line and the environment say about the server.
    pub(crate) const fn choice(&self) -> &Choice {
        &self.choice
    }

    /// Returns the URL on the command line.
    pub(crate) fn url_flag(&self) -> Option<&str> {
        self.choice.url.value.as_deref().filter(|_| self.choice.url.is_flag)
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
    /// Give servers names, and choose one of them
    #[command(subcommand)]
    Context(ContextCommand),
    /// Store the token of a server for later commands
    #[command(after_help = "\
The token is asked for without showing it, or comes from a pipe or --token-file. It is stored if the server accepts \
it. It goes to the context of --context, of --url, or else the current one. A server without a context gets one.

Examples:
  mlbench login --url https://bench.example
  mlbench login --context lab < lab.token")]
    Login,
    /// Remove the stored token of a server
    #[command(after_help = "Example:\n  mlbench logout --context lab")]
    Logout,
    /// Run a built-in reference benchmark, as a worker or by hand
    Benchmark(BenchmarkArgs),
    /// Print the script that makes a shell complete command lines
    Completions(CompletionsArgs),
    /// Write the manual pages of all commands
    Man(ManArgs),
    #[command(flatten)]
    Python(PythonCommand),
}
