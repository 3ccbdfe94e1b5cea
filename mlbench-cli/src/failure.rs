//! [`Failure`]: why a command failed, with its message and exit code.

use std::io;
use std::path::PathBuf;

use mlbench_client::{Error, Run, RunId};
use mlbench_core::quote::shorten;
use tokio::signal::unix::SignalKind;

use crate::benchmarks;
use crate::contexts::{FileProblem, NoServer};
use crate::output::UnknownColumn;
use crate::server_error::describe;
use crate::unknown_name::UnknownName;

/// Why a command failed. The text is the message that the user reads.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The server refused the request, failed or was unreachable.
    #[error("{}", describe(.0))]
    Client(#[from] Error),
    /// No run, pod or metric has the name that an argument selects.
    #[error("{0}")]
    UnknownName(UnknownName),
    /// A list has no column of the name that an option says.
    #[error("{0}")]
    UnknownColumn(#[from] UnknownColumn),
    /// A number is the id of one run and the name of another.
    #[error(
        "{by_id}: refers to two runs, by id and by name; write id:{by_id} for run {by_id} or name:{by_id} for run \
         {by_name}"
    )]
    AmbiguousRun {
        /// The run with this id.
        by_id: RunId,
        /// The newest run with this name.
        by_name: RunId,
    },
    /// What an option names does not exist.
    #[error("{option}: {failure}")]
    Option {
        /// The option.
        option: &'static str,
        /// What does not exist.
        failure: Box<Failure>,
    },
    /// The run has no output of this rank.
    #[error("--rank {rank}: run {run} starts its command {}", started_ranks(*ranks))]
    UnknownRank {
        /// The rank.
        rank: u32,
        /// The run.
        run: RunId,
        /// Number of ranks on which the command is started.
        ranks: u32,
    },
    /// The server has no runs.
    #[error("no runs yet; start one with `mlbench runs start --name NAME`")]
    NoRuns,
    /// The awaited run failed or was stopped.
    #[error("run {} ({:?}) {}{}", .0.id, .0.name.as_str(), .0.state, reason(.0))]
    NotFinished(Box<Run>),
    /// Runs of a sweep failed or were stopped.
    #[error("{count} of {total} runs did not finish: {names}")]
    SweepNotFinished {
        /// How many.
        count: usize,
        /// Runs of the sweep.
        total: usize,
        /// The first of them, with their states and reasons.
        names: String,
    },
    /// A sweep has the name of another one.
    #[error(
        "--name {name:?}: is the name of a sweep with another plan, such as run {run} ({plan}), not ({given}); use \
         another name, or the same options"
    )]
    OtherPlan {
        /// The name.
        name: String,
        /// A run of the other sweep.
        run: RunId,
        /// The plan of the other sweep.
        plan: String,
        /// The plan of this one.
        given: String,
    },
    /// The awaited run is still active after the timeout.
    #[error(
        "run {} ({:?}) is still {} after {seconds} s; stop it with `mlbench runs stop {}`",
        .run.id, .run.name.as_str(), .run.state, .run.id
    )]
    StillActive {
        /// The run at the last poll.
        run: Box<Run>,
        /// The timeout in seconds.
        seconds: f64,
    },
    /// kubectl failed to reach a server in Kubernetes.
    #[error("{0}")]
    Kube(String),
    /// The server or the token is unknown.
    #[error("{0}")]
    Server(#[from] NoServer),
    /// The file of contexts cannot be used.
    #[error("{0}")]
    ContextFile(#[from] FileProblem),
    /// There is no place for the file of contexts.
    #[error("contexts: no home directory; set HOME or XDG_CONFIG_HOME")]
    NoHome,
    /// No context is the current one.
    #[error("context: none is the current one; choose one with `mlbench context use NAME`, or name it")]
    NoContext,
    /// A new context needs a server.
    #[error("--url: missing; every context needs one, such as --url https://bench.example")]
    NoUrl,
    /// A new context has the name of another.
    #[error("context {0:?}: already exists; remove it first with `mlbench context remove {0}`")]
    ContextExists(String),
    /// The user gave no token.
    #[error("token: empty; paste it at the prompt, or send it through a pipe or --token-file")]
    EmptyToken,
    /// The file of a run cannot be read, or is no valid request.
    #[error("--file {}: {problem}", shorten(&.path.to_string_lossy()))]
    RunFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, by field or by line.
        problem: String,
    },
    /// The request of a run has no such format.
    #[error("--output {0}: no effect with --dry-run; use yaml or json")]
    RequestFormat(&'static str),
    /// A directory for manual pages cannot be written.
    #[error("DIR: cannot write manual pages to {}: {error}", shorten(&.path.to_string_lossy()))]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Reason given by the system.
        error: io::Error,
    },
    /// An output file cannot be written.
    #[error("--output-file: cannot write {}: {error}", shorten(&.path.to_string_lossy()))]
    File {
        /// The output file.
        path: PathBuf,
        /// Reason given by the system.
        error: io::Error,
    },
    /// The output is no text, and a terminal would show it.
    #[error(
        "--output {0}: is binary, and standard output is a terminal; use --output-file FILE, or redirect it"
    )]
    BinaryOnTerminal(&'static str),
    /// The dashboard has no terminal to draw on.
    #[error(
        "top: needs a terminal for input and output, and TERM other than dumb; use `mlbench runs list --watch` elsewhere"
    )]
    NoTerminal,
    /// Standard input cannot be read.
    #[error("cannot read standard input: {0}")]
    Input(io::Error),
    /// Lines of standard input are no metrics.
    #[error("{bad} of {lines} lines are no metrics; the others are stored")]
    NoMetrics {
        /// Lines that are no metrics.
        bad: u64,
        /// Lines that were read.
        lines: u64,
    },
    /// A failure whose message says everything.
    #[error("{0}")]
    Failed(String),
    /// Standard output cannot be written.
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
    /// The tokio runtime cannot start.
    #[error("cannot start the tokio runtime: {0}")]
    Runtime(io::Error),
    /// A built-in benchmark failed or missed its goal.
    #[error("{0}")]
    Benchmark(#[from] benchmarks::Error),
    /// A recorded command, or what the user has followed, has ended, which is no failure of this program.
    #[error("the command exited with code {code}")]
    Recorded {
        /// Its exit code.
        code: u8,
    },
    /// A signal arrived while a run was awaited.
    #[error("interrupted; run {} ({:?}) goes on; stop it with `mlbench runs stop {}`", .run.id, .run.name.as_str(), .run.id)]
    Left {
        /// The run as it was known.
        run: Box<Run>,
        /// The signal.
        signal: SignalKind,
    },
    /// A signal arrived: the user pressed Ctrl-C, or the process was asked to end.
    #[error("interrupted{effect}")]
    Interrupted {
        /// The signal.
        signal: SignalKind,
        /// What may happen, or has not happened, after the words about the signal.
        effect: &'static str,
    },
}

fn started_ranks(ranks: u32) -> String {
    match ranks {
        0 | 1 => "on rank 0 only".to_owned(),
        _ => format!("on ranks 0 to {}", ranks - 1),
    }
}

fn reason(run: &Run) -> String {
    match &run.job_metadata.reason {
        Some(reason) => format!(": {reason}"),
        None => String::new(),
    }
}

impl Failure {
    /// Returns the exit code that `--help` documents.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Server(NoServer::UnknownContext(_))
            | Self::UnknownName(_)
            | Self::NoContext
            | Self::NoRuns
            | Self::UnknownRank { .. } => 3,
            Self::Option { failure, .. } => failure.exit_code(),
            Self::NotFinished(_) | Self::SweepNotFinished { .. } => 6,
            Self::Recorded { code } => *code,
            // Like a shell: 130 for SIGINT, 143 for SIGTERM.
            Self::Interrupted { signal, .. } | Self::Left { signal, .. } => {
                u8::try_from(128 + signal.as_raw_value()).unwrap_or(1)
            }
            Self::StillActive { .. }
            | Self::Benchmark(_)
            | Self::Directory { .. }
            | Self::File { .. }
            | Self::Output(_)
            | Self::Input(_)
            | Self::NoMetrics { .. }
            | Self::Failed(_)
            | Self::Runtime(_) => 1,
            Self::Client(Error::InvalidUrl { .. } | Error::InvalidToken | Error::Invalid(_))
            | Self::Server(_)
            | Self::ContextFile(_)
            | Self::NoHome
            | Self::NoUrl
            | Self::ContextExists(_)
            | Self::EmptyToken
            | Self::RunFile { .. }
            | Self::RequestFormat(_)
            | Self::BinaryOnTerminal(_)
            | Self::NoTerminal
            | Self::UnknownColumn(_)
            | Self::AmbiguousRun { .. }
            | Self::OtherPlan { .. } => 2,
            Self::Kube(_) => 7,
            Self::Client(error) if error.is_unreachable() => 7,
            Self::Client(error) => match error.status() {
                Some(401 | 403) => 4,
                Some(404) => 3,
                Some(409) => 5,
                _ => 1,
            },
        }
    }

    /// Creates the failure of a command that a signal has ended.
    pub(crate) const fn interrupted(signal: SignalKind) -> Self {
        Self::Interrupted { signal, effect: "" }
    }

    /// Adds to the message of an interrupted command what may happen, or has not happened.
    pub(crate) fn with_effect(self, effect: &'static str) -> Self {
        match self {
            Self::Interrupted { signal, .. } => Self::Interrupted { signal, effect },
            failure => failure,
        }
    }

    /// Prefixes the option to a message about a name or an id that does not exist.
    pub(crate) fn of_option(self, option: &'static str) -> Self {
        match self {
            Self::UnknownName(unknown) => Self::UnknownName(unknown.of_option(option)),
            failure if failure.exit_code() == 3 => Self::Option { option, failure: Box::new(failure) },
            other => other,
        }
    }

    /// Returns whether the reader of standard output has closed it.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        match self {
            Self::Output(error) | Self::Benchmark(benchmarks::Error::Console(error)) => {
                error.kind() == io::ErrorKind::BrokenPipe
            }
            Self::Client(Error::Write(error)) => error.kind() == io::ErrorKind::BrokenPipe,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_repeats_only_the_beginning_of_a_long_url_or_path() {
        let long = "x".repeat(100_000);
        let (path, error) = (PathBuf::from(&long), || io::ErrorKind::NotFound.into());
        for failure in [
            Failure::Client(Error::InvalidUrl { url: long.clone(), cause: String::new() }),
            Failure::Server(NoServer::TokenFile {
                option: "--token-file",
                path: path.clone(),
                error: error(),
            }),
            Failure::RunFile { path: path.clone(), problem: String::new() },
            Failure::Directory { path: path.clone(), error: error() },
            Failure::File { path, error: error() },
        ] {
            let message = failure.to_string();
            assert!(message.contains("… (100000 characters)") && message.len() < 600, "{}", message.len());
        }
    }

    #[test]
    fn each_failure_has_its_documented_exit_code() {
        let url = String::from("http://127.0.0.1:8000");
        let status = |status| {
            let (url, body) = (url.clone(), String::new());
            Failure::Client(Error::UnexpectedResponse { url, status, body, retry_after: None })
        };
        let unreachable = Error::Unreachable { url: url.clone(), cause: String::new() };
        let invalid_url = Error::InvalidUrl { url: url.clone(), cause: String::new() };
        for (failure, code) in [
            (status(422), 1),
            (status(500), 1),
            (Failure::Client(invalid_url), 2),
            (Failure::BinaryOnTerminal("arrow"), 2),
            (Failure::NoTerminal, 2),
            (Failure::RunFile { path: PathBuf::new(), problem: String::new() }, 2),
            (Failure::RequestFormat("csv"), 2),
            (status(404), 3),
            (Failure::UnknownName(UnknownName::run("x", Vec::new())), 3),
            (status(401), 4),
            (status(403), 4),
            (status(409), 5),
            (Failure::Client(unreachable), 7),
            (Failure::interrupted(SignalKind::interrupt()), 130),
            (Failure::interrupted(SignalKind::terminate()), 143),
        ] {
            assert_eq!(failure.exit_code(), code, "{failure:?}");
        }
    }

    #[test]
    fn an_unknown_rank_is_reported_with_the_ranks_of_the_run() {
        let text = |ranks| Failure::UnknownRank { rank: 9, run: RunId::new(3).unwrap(), ranks }.to_string();
        assert_eq!(text(2), "--rank 9: run 3 starts its command on ranks 0 to 1");
        assert_eq!(text(1), "--rank 9: run 3 starts its command on rank 0 only");
    }

    #[test]
    fn only_what_does_not_exist_gets_the_name_of_its_option() {
        let unknown = Failure::UnknownName(UnknownName::run("first", vec!["firs".to_owned()]));
        let named = unknown.of_option("--baseline");
        assert_eq!(named.to_string(), "--baseline \"first\": not found; did you mean \"firs\"?");
        let rank = Failure::NoRuns.of_option("--run");
        assert!(rank.to_string().starts_with("--run: no runs yet") && rank.exit_code() == 3, "{rank}");
        let other = Failure::Kube("no kubectl".to_owned()).of_option("--run");
        assert_eq!((other.to_string().as_str(), other.exit_code()), ("no kubectl", 7));
    }

    #[test]
    fn a_full_disk_is_not_a_broken_pipe() {
        let is_broken_pipe = |kind: io::ErrorKind| Failure::Output(kind.into()).is_broken_pipe();
        assert!(is_broken_pipe(io::ErrorKind::BrokenPipe));
        assert!(!is_broken_pipe(io::ErrorKind::StorageFull));
    }
}
