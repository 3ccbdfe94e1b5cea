//! The arguments of `mlbench runs start`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueHint};
use mlbench_client::{
    ByteSize, Environment, NodeSelector, ObjectName, RunName, SecretEnvironment, SecretKey, TimeLimit,
    Toleration, Volume, WorkingDir,
};

use super::labels::LabelArgs;
use super::measure::GoalArgs;
use super::number::{parse_count, parse_positive};
use super::output::OutputArgs;

/// Help section of the flags about the pods that Kubernetes makes for a run.
const PODS: &str = "Pods of a run with an image in Kubernetes";

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("run").args(["name", "file"]).required(true).multiple(true)))]
#[command(after_help = "\
The placeholders {rank}, {local_rank}, {num_workers}, {hosts}, {addresses}, {master_addr}, {master_port}, {run_id} and \
{backend} in the command are replaced. The mpi backend starts the \
command once, with mpirun on the first worker; any other backend, or none, starts it on every worker.

The kinds of volumes are pvc, config_map, secret, host_path and empty_dir, with the size of the last as its source.

With --wait and --follow, standard error says what happens: a terminal shows state, time, epoch, loss, and accuracy against \
the goal as they change; elsewhere, each change of the state is a line.

A file has the fields of the request POST /api/runs/, which --dry-run shows. --env, --param and --tag add to those of \
the file, and so do the flags about pods.

Examples:
  mlbench runs start --name first
  mlbench runs start --name two --workers 2 --cpus 0.5 --light --wait
  mlbench runs start --name mine --command 'python train.py --rank {rank}'
  mlbench runs start --name tuned --param lr=0.1 --tag team=vision
  mlbench runs start --name until --goal 'val_loss<=0.1' --stop-at-goal
  mlbench runs start --name long --env EPOCHS=50 -- python train.py
  mlbench runs start --file run.yaml --name again --param lr=0.2
  mlbench runs start --name first --workers 2 --dry-run -o yaml > run.yaml
  mlbench runs start --name job --image me/job --command ./job --backend mpi")]
pub(crate) struct StartArgs {
    /// Name of the run, 1 to 100 characters
    #[arg(long, value_name = "NAME", value_parser = |text: &str| RunName::new(text))]
    pub(crate) name: Option<RunName>,
    /// Read the run from a file of YAML or JSON, - for standard input. Other flags replace its fields
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: Option<PathBuf>,
    /// Number of workers [default: all workers]
    #[arg(long, value_name = "N", value_parser = parse_count)]
    pub(crate) workers: Option<u32>,
    /// Backend: mpi, gloo, nccl or a custom name
    #[arg(long, value_name = "BACKEND", value_parser = parse_given)]
    pub(crate) backend: Option<String>,
    #[command(flatten)]
    pub(crate) goal: GoalArgs,
    #[command(flatten)]
    pub(crate) settings: SettingArgs,
    /// Check the run and print its request, as YAML on a terminal, else as JSON. Send nothing
    #[arg(long, conflicts_with_all = ["wait", "follow"])]
    pub(crate) dry_run: bool,
    /// Wait until the run ends. Exit code 6 if it failed or was stopped
    #[arg(long)]
    pub(crate) wait: bool,
    /// Print the output of the run until it ends, with the exit codes of --wait
    #[arg(long)]
    pub(crate) follow: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What a run executes, with which resources, besides its workers and its backend.
#[derive(Debug, Default, Args)]
pub(crate) struct SettingArgs {
    /// CPU cores per worker, such as 0.5 [default: no limit]
    #[arg(long, value_name = "CORES", value_parser = parse_positive)]
    pub(crate) cpus: Option<f64>,
    /// Memory per worker, such as 4Gi [default: that of the server's settings]
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<ByteSize>,
    /// Size of /dev/shm per worker, such as 1Gi [default: half of the memory]
    #[arg(long, value_name = "SIZE")]
    pub(crate) shm_size: Option<ByteSize>,
    /// Longest time from the start of the run to its end, such as 90m [default: no limit]
    #[arg(long, value_name = "TIME")]
    pub(crate) time_limit: Option<TimeLimit>,
    /// Official container image, or any image with --command
    #[arg(long, value_name = "IMAGE", value_parser = parse_given)]
    pub(crate) image: Option<String>,
    /// Command of the workers [default: the command of the image, else of the server]
    #[arg(long, value_name = "COMMAND", allow_hyphen_values = true, value_parser = parse_given)]
    pub(crate) command: Option<String>,
    /// Environment variable of the command. Repeat the flag for several. They are not secret
    #[arg(long, value_name = "NAME=VALUE", value_parser = Environment::parse_variable)]
    pub(crate) env: Vec<(String, String)>,
    #[command(flatten)]
    pub(crate) labels: LabelArgs,
    /// Directory in which the command starts, an absolute path on the worker
    #[arg(long, value_name = "PATH")]
    pub(crate) working_dir: Option<WorkingDir>,
    /// Start the command on the first worker only
    #[arg(long)]
    pub(crate) first_worker_only: bool,
    /// Request GPUs, as many as the server's settings say
    #[arg(long)]
    pub(crate) gpu: bool,
    /// Request this many GPUs per worker
    #[arg(long, value_name = "N", value_parser = parse_count)]
    pub(crate) gpus: Option<u32>,
    /// Train to the light goal, a lower accuracy
    #[arg(long)]
    pub(crate) light: bool,
    /// Variable with its value from a Secret: NAME=SECRET/KEY. Repeat the flag for several
    #[arg(long, value_name = "VARIABLE", help_heading = PODS, value_parser = SecretEnvironment::parse_variable)]
    pub(crate) env_from_secret: Vec<(String, SecretKey)>,
    /// Volume NAME:PATH:KIND/SOURCE, such as d:/data:pvc/sets:ro. Repeat the flag for several
    #[arg(long, value_name = "VOLUME", help_heading = PODS)]
    pub(crate) volume: Vec<Volume>,
    /// Label that their nodes must have: KEY=VALUE. Repeat the flag for several
    #[arg(long, value_name = "LABEL", help_heading = PODS, value_parser = NodeSelector::parse_label)]
    pub(crate) node_selector: Vec<(String, String)>,
    /// Taint that they tolerate: KEY, KEY=VALUE, each also with :EFFECT. Repeat the flag for several
    #[arg(long, value_name = "TAINT", help_heading = PODS)]
    pub(crate) toleration: Vec<Toleration>,
    /// Priority class
    #[arg(long, value_name = "NAME", help_heading = PODS)]
    pub(crate) priority_class: Option<ObjectName>,
    /// Service account, whose token they get
    #[arg(long, value_name = "NAME", help_heading = PODS)]
    pub(crate) service_account: Option<ObjectName>,
    /// Secret for pulling the image. Repeat the flag for several
    #[arg(long, value_name = "NAME", help_heading = PODS)]
    pub(crate) image_pull_secret: Vec<ObjectName>,
    /// Words of the command, instead of --command
    #[arg(last = true, value_name = "COMMAND", conflicts_with = "command")]
    pub(crate) words: Vec<String>,
}

impl SettingArgs {
    /// Returns the command of the workers, if one is given.
    pub(crate) fn command(&self) -> Option<String> {
        let words = || (!self.words.is_empty()).then(|| shell_words::join(&self.words));
        self.command.clone().or_else(words)
    }
}

/// Parses a text that is not empty. Scripts pass an empty one where a variable is not set.
pub(super) fn parse_given(text: &str) -> Result<String, &'static str> {
    let given = Some(text).filter(|text| !text.trim().is_empty()).map(str::to_owned);
    given.ok_or("must not be empty; leave out the flag to use the default")
}
