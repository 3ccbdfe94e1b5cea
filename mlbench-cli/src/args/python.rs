//! The commands of the `mlbench` Python CLI, under their old names and with their old options.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::number::parse_count;
use super::start::parse_given;

/// What the Python CLI could do, and what takes its place.
#[derive(Debug, Subcommand)]
pub(crate) enum PythonCommand {
    /// Start runs, as with the Python CLI. The new command is `mlbench runs start`
    #[command(hide = true)]
    Run(PythonRunArgs),
    /// Show all runs, or one with its accuracy, as with the Python CLI
    #[command(hide = true)]
    Status(PythonStatusArgs),
    /// Compare finished runs in charts, as with the Python CLI. The new command is `mlbench runs report`
    #[command(hide = true)]
    Charts(PythonChartsArgs),
    /// Delete a run, as with the Python CLI. The new command is `mlbench runs delete`
    #[command(hide = true, after_help = "Example:\n  mlbench delete first-2")]
    Delete {
        /// Name of the run
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        server: DashboardArgs,
    },
    /// Download the metrics of a run, as with the Python CLI. The new command is `mlbench runs download`
    #[command(hide = true, after_help = "Example:\n  mlbench download first-2 -o first.zip")]
    Download {
        /// Name of the run
        #[arg(value_name = "NAME")]
        name: String,
        /// File to write, or - for standard output
        #[arg(short, long, value_name = "FILE", default_value = "results.zip", value_hint = ValueHint::FilePath)]
        output: PathBuf,
        #[command(flatten)]
        server: DashboardArgs,
    },
    /// Print the address of the page, as with the Python CLI
    #[command(hide = true, after_help = "Example:\n  mlbench get-dashboard-url --context lab")]
    GetDashboardUrl,
    /// Not supported: create a cluster with the tool of its provider
    #[command(hide = true)]
    CreateCluster(RefusedArgs),
    /// Not supported: delete a cluster with the tool of its provider
    #[command(hide = true)]
    DeleteCluster(RefusedArgs),
    /// Not supported: use `mlbench context use`
    #[command(hide = true)]
    SetCluster(RefusedArgs),
    /// Not supported: use `mlbench context list`
    #[command(hide = true)]
    ListClusters(RefusedArgs),
}

/// The server, as the Python CLI names it.
#[derive(Debug, Args)]
pub(crate) struct DashboardArgs {
    /// Address of the server, such as 127.0.0.1:8000. The new option is --url
    #[arg(short = 'u', long, value_name = "URL", value_parser = parse_given)]
    dashboard_url: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
For each NUM_WORKERS, a run named NAME-NUM_WORKERS is started. Where one run at a time may be active, give one number, \
or use `mlbench runs sweep`.

The Python CLI asked for the benchmark and the backend. Here, options say them; without --image and --command, the \
server runs its own benchmark.

Examples:
  mlbench run first 2
  mlbench run cifar 1 2 4 -g -l --image mlbench/pytorch-cifar10-resnet20-ddp
  mlbench run mine 2 --command 'python train.py --rank {rank}' -u 127.0.0.1:8000")]
pub(crate) struct PythonRunArgs {
    /// Beginning of the names of the runs
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Number of workers of a run. Give several for several runs
    #[arg(value_name = "NUM_WORKERS", required = true, value_parser = parse_count)]
    pub(crate) num_workers: Vec<u32>,
    /// Request GPUs
    #[arg(short, long)]
    pub(crate) gpu: bool,
    /// CPU cores of a worker, one of which stays free for the system [default: no limit]
    #[arg(short = 'c', long, value_name = "N", value_parser = parse_cpus)]
    pub(crate) num_cpus: Option<u32>,
    /// Train to the light goal, a lower accuracy
    #[arg(short, long)]
    pub(crate) light: bool,
    /// Official container image, or any image with --command
    #[arg(long, value_name = "IMAGE", value_parser = parse_given)]
    pub(crate) image: Option<String>,
    /// Command of the workers
    #[arg(long, value_name = "COMMAND", allow_hyphen_values = true, value_parser = parse_given)]
    pub(crate) command: Option<String>,
    /// Backend: mpi, gloo, nccl or a custom name
    #[arg(long, value_name = "BACKEND", value_parser = parse_given)]
    pub(crate) backend: Option<String>,
    /// Start the command on the first worker only
    #[arg(long)]
    pub(crate) first_worker_only: bool,
    #[command(flatten)]
    server: DashboardArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mlbench status
  mlbench status first-2 -m Perplexity")]
pub(crate) struct PythonStatusArgs {
    /// Name of a run [default: all runs]
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Metric, without val_global_ in front
    #[arg(short, long, value_name = "METRIC", default_value = "Prec@1", value_parser = parse_given)]
    pub(crate) metric: String,
    #[command(flatten)]
    server: DashboardArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The folder gets the files of `mlbench runs report`. Without a RUN, all finished runs whose names contain the filter are \
compared; the Python CLI asked which.

Examples:
  mlbench charts charts -f cifar
  mlbench charts charts cifar-1 cifar-2 cifar-4")]
pub(crate) struct PythonChartsArgs {
    /// Folder of the charts
    #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,
    /// Ids or names of the runs [default: all that have finished]
    #[arg(value_name = "RUN", conflicts_with = "filter")]
    pub(crate) runs: Vec<String>,
    /// Only runs whose name contains this text
    #[arg(short, long, value_name = "TEXT")]
    pub(crate) filter: Option<String>,
    #[command(flatten)]
    server: DashboardArgs,
}

/// Arguments of a command that is refused.
#[derive(Debug, Args)]
pub(crate) struct RefusedArgs {
    /// Arguments of the Python CLI
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENT")]
    arguments: Vec<String>,
}

impl PythonCommand {
    /// Returns the URL of the server that the old option names. The Python CLI writes it without its scheme.
    pub(super) fn dashboard_url(&self) -> Option<String> {
        let url = self.server()?.dashboard_url.as_deref()?;
        Some(if url.contains("://") { url.to_owned() } else { format!("http://{url}") })
    }

    fn server(&self) -> Option<&DashboardArgs> {
        match self {
            Self::Run(args) => Some(&args.server),
            Self::Status(args) => Some(&args.server),
            Self::Charts(args) => Some(&args.server),
            Self::Delete { server, .. } | Self::Download { server, .. } => Some(server),
            _ => None,
        }
    }

    /// Returns why the command is refused, with what to use instead.
    pub(super) fn problem(&self, given: impl Fn(&str) -> bool) -> Option<String> {
        let refusal = match self {
            Self::CreateCluster(_) => {
                "create-cluster: mlbench creates no clusters; create one with gcloud, eksctl or kind, deploy the server \
                 as deploy/README.md says, and use --kube"
            }
            Self::DeleteCluster(_) => {
                "delete-cluster: mlbench deletes no clusters; delete it with gcloud, eksctl or kind"
            }
            Self::SetCluster(_) => {
                "set-cluster: mlbench selects servers; use `mlbench context use NAME`, or --kube with --kube-context"
            }
            Self::ListClusters(_) => {
                "list-clusters: mlbench lists servers; use `mlbench context list`, or `kubectl config get-contexts`"
            }
            Self::GetDashboardUrl if given("kube") => {
                "--kube: no effect on get-dashboard-url, because the port-forward ends with the command; use \
                 `kubectl port-forward`"
            }
            _ => {
                self.dashboard_url()?;
                let other = ["url", "context", "kube"].into_iter().find(|id| given(id))?;
                return Some(format!("--dashboard-url: no effect with --{other}; give only one of them"));
            }
        };
        Some(refusal.to_owned())
    }
}

/// Parses a number of cores, one of which stays free.
fn parse_cpus(text: &str) -> Result<u32, &'static str> {
    parse_count(text).ok().filter(|cpus| *cpus > 1).ok_or("must be a whole number of at least 2")
}
