use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::{ArgValueCandidates, ArgValueCompleter};
use mlbench_client::{LabelFilter, OutputStream, ParamValue, RunOrder, RunState};

use super::labels::LabelArgs;
use super::measure::MeasureArgs;
use super::number::{parse_count, parse_rank, parse_tail};
use super::output::{ListOutputArgs, OutputArgs};
use super::record::RecordArgs;
use super::start::StartArgs;
use super::sweep::SweepArgs;
use super::time::{TimeArg, parse_timeout};
use crate::candidates;

#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// Start a run
    Start(Box<StartArgs>),
    /// Measure how a program scales with the number of workers
    Sweep(Box<SweepArgs>),
    /// Run a command here and keep its output and outcome as a run
    Record(RecordArgs),
    /// List all runs
    List(ListArgs),
    /// Show the details of a run
    #[command(after_help = "Example:\n  mlbench runs show first -o json")]
    Show(OneRunArgs),
    /// Add parameters to a run and change its tags
    Set(SetArgs),
    /// Wait until a run ends. Exit code 6 if it failed or was stopped
    Wait(WaitArgs),
    /// Stop a run. It becomes STOPPED a moment later
    #[command(after_help = "Example:\n  mlbench runs stop 3 && mlbench runs wait 3")]
    Stop(OneRunArgs),
    /// Delete a run with its metrics and output. Stops an active run
    #[command(after_help = "Example:\n  mlbench runs delete 3")]
    Delete(RunArg),
    /// Print the output of a run
    Logs(LogsArgs),
    /// Compare runs: time to accuracy, speed-up and phases
    Compare(CompareArgs),
    /// Compare runs in a report with tables and charts
    Report(ReportArgs),
    /// Download the metrics of a run and its pods as a zip archive
    Download(DownloadArgs),
    /// Export all that is known of a run, for another server or a paper
    Export(ExportArgs),
    /// Import a run that a server has exported
    Import(ImportRunArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
With --watch, a terminal shows the table anew at every change. Elsewhere, each change is a line: the run as it is now, \
and in the state DELETED when it was deleted.

Examples:
  mlbench runs list
  mlbench runs list --state failed,stopped --sort=-created --limit 20
  mlbench runs list --name vision --tag team=nlp --param lr=0.1
  mlbench runs list --watch")]
pub(crate) struct ListArgs {
    /// Go on and show changes as they happen
    #[arg(short, long, conflicts_with_all = ["state", "name", "tag", "param", "since", "sort", "limit"])]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) search: SearchArgs,
    #[command(flatten)]
    pub(crate) output: ListOutputArgs,
}

/// Which runs to list, and in which order.
#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    /// Only runs in these states, separated by commas
    #[arg(
        long,
        value_name = "STATE",
        value_delimiter = ',',
        value_parser = parse_state,
        add = ArgValueCandidates::new(candidates::states)
    )]
    pub(crate) state: Vec<RunState>,
    /// Only runs whose name contains this text in any letter case, or is it if it is in double quotes
    #[arg(long, value_name = "TEXT")]
    pub(crate) name: Option<String>,
    /// Only runs with this tag, of any value or of this one. Repeat the flag for several
    #[arg(long, value_name = "NAME[=VALUE]")]
    pub(crate) tag: Vec<LabelFilter<String>>,
    /// Only runs with this parameter, of any value or of this one. Repeat the flag for several
    #[arg(long, value_name = "NAME[=VALUE]")]
    pub(crate) param: Vec<LabelFilter<ParamValue>>,
    /// Only runs that were accepted at or after this date, or this long ago (30s, 10m, 2h)
    #[arg(long, value_name = "DATE", value_parser = clap::value_parser!(TimeArg))]
    pub(crate) since: Option<TimeArg>,
    /// Order: id, created, finished, name, state or duration, with - in front for descending
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    pub(crate) sort: Option<RunOrder>,
    /// Only the first N runs
    #[arg(long, value_name = "N", value_parser = parse_count)]
    pub(crate) limit: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct RunArg {
    /// Id of the run, or its name, which selects the newest run of that name (or id:7, name:7)
    #[arg(value_name = "RUN", add = ArgValueCompleter::new(candidates::runs))]
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
Parameters are added and keep their value. Tags change.

Examples:
  mlbench runs set first --param lr=0.1 --tag best=yes
  mlbench runs set 3 --remove-tag best")]
pub(crate) struct SetArgs {
    #[command(flatten)]
    pub(crate) run: RunArg,
    #[command(flatten)]
    pub(crate) labels: LabelArgs,
    /// Tag to remove. Repeat the flag for several
    #[arg(long, value_name = "NAME")]
    pub(crate) remove_tag: Vec<String>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
After the timeout, the exit code is 1 if the run is still active, and 7 if the server is away. With --for, the exit \
code is 0 in these states, and 6 if the run has ended in another one. A run that has finished was started before.

Examples:
  mlbench runs wait first --timeout 10m
  mlbench runs wait first --for started
  mlbench runs stop first && mlbench runs wait first --for stopped")]
pub(crate) struct WaitArgs {
    #[command(flatten)]
    pub(crate) run: RunArg,
    /// Wait at most this long (30s, 10m, 2h), for the server too [default: no limit once it responds]
    #[arg(long, value_name = "DURATION", value_parser = parse_timeout)]
    pub(crate) timeout: Option<Duration>,
    /// Wait for one of these states, separated by commas [default: finished]
    #[arg(
        long = "for",
        value_name = "STATE",
        value_delimiter = ',',
        value_parser = parse_state,
        add = ArgValueCandidates::new(candidates::states)
    )]
    pub(crate) states: Vec<RunState>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Each line starts with the rank that wrote it; [mlbench] marks server messages. With one --rank, lines have no prefix. \
With -o json, each line is a JSON object.

Examples:
  mlbench runs logs first --follow
  mlbench runs logs first --tail 20
  mlbench runs logs first --since 10m --rank 1,3 --timestamps
  mlbench runs logs 3 --rank 0 --stream stderr")]
pub(crate) struct LogsArgs {
    #[command(flatten)]
    pub(crate) run: RunArg,
    /// Keep printing new output until the run ends
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Begin with the last N lines, up to 10000
    #[arg(long, value_name = "N", value_parser = parse_tail)]
    pub(crate) tail: Option<u32>,
    /// Only lines at or after TIME: a date (2018-08-03T09:21:29Z) or an age (30s, 10m, 2h, 1d)
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<TimeArg>,
    /// Only the output of these ranks, separated by commas
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = parse_rank)]
    pub(crate) rank: Vec<u32>,
    /// Begin each line with its date
    #[arg(long)]
    pub(crate) timestamps: bool,
    /// Only this output stream
    #[arg(long, value_enum, value_name = "STREAM")]
    pub(crate) stream: Option<Stream>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Runs with equal parameters are repeats of one group. Each group is compared with the one of the same program that \
has the fewest workers, or with the group of --baseline. An interval is the range of the trainings, and from five on \
the 95 % interval of their median.

Examples:
  mlbench runs compare 1 2 3
  mlbench runs compare one two --goal 'train_loss @ 0<=0.5'
  mlbench runs compare 4 7 --baseline 4 -o csv")]
pub(crate) struct CompareArgs {
    #[command(flatten)]
    pub(crate) compared: ComparedArgs,
    #[command(flatten)]
    pub(crate) output: ListOutputArgs,
}

/// What to compare, and by what.
#[derive(Debug, Args)]
pub(crate) struct ComparedArgs {
    /// Ids or names of the runs
    #[arg(value_name = "RUN", required = true, add = ArgValueCompleter::new(candidates::runs))]
    pub(crate) runs: Vec<String>,
    #[command(flatten)]
    pub(crate) measure: MeasureArgs,
    /// Run of the group that all others are compared with
    #[arg(long, value_name = "RUN", add = ArgValueCompleter::new(candidates::runs))]
    pub(crate) baseline: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The directory gets report.md with the tables, comparison.csv, comparison.json, and the charts of the time to accuracy, \
the speed-up, the efficiency and the shares of the phases, each as SVG and PNG. Files of these names are replaced.

Examples:
  mlbench runs report 1 2 3 --output report
  mlbench runs report one two four --goal 95 --output /tmp/report")]
pub(crate) struct ReportArgs {
    #[command(flatten)]
    pub(crate) compared: ComparedArgs,
    /// Directory of the report
    #[arg(long, value_name = "DIR")]
    pub(crate) output: PathBuf,
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
  mlbench runs download 3 --output-file first.zip
  mlbench runs download 3 -O - | bsdtar -tf -")]
pub(crate) struct DownloadArgs {
    /// Id or name of the run [default: the newest run]
    #[arg(value_name = "RUN", add = ArgValueCompleter::new(candidates::runs))]
    pub(crate) run: Option<String>,
    /// File to write, or - for standard output [default: metrics_NAME.zip]
    #[arg(short = 'O', long, value_name = "FILE.zip")]
    pub(crate) output_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The archive has the facts of the run, its metrics, its output and the usage of its pods, and a checksum of each file \
(sha256sum -c SHA256SUMS). It is the same to the byte wherever the run is exported again.

Examples:
  mlbench runs export first first.zip
  mlbench runs export 3 - | ssh lab mlbench runs import -")]
pub(crate) struct ExportArgs {
    /// Id or name of the run, which must have ended
    #[arg(value_name = "RUN", add = ArgValueCompleter::new(candidates::runs))]
    pub(crate) run: String,
    /// File to write, or - for standard output
    #[arg(value_name = "FILE.zip")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The run keeps its dates, state, output and metrics, and gets another id. It appears when it is whole.

Example:
  mlbench runs import first.zip")]
pub(crate) struct ImportRunArgs {
    /// File that mlbench runs export has written, or - for standard input
    #[arg(value_name = "FILE.zip")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

fn parse_state(text: &str) -> Result<RunState, String> {
    text.to_uppercase().parse().map_err(|_| {
        let all = RunState::ALL.map(|state| state.as_str().to_lowercase()).join(", ");
        format!("must be one of {all}")
    })
}
