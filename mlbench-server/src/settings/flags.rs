//! Every setting: a flag, an environment variable, a default and a sentence of help.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory as _, FromArgMatches as _, Parser};
use mlbench_core::quote::shorten;

use super::given::{self, Given};
use super::kubernetes::KubernetesSettings;
use super::upkeep::Upkeep;
use super::values::{ClusterKind, LogFormat, amount, duration, interval, workers};
use crate::app::RunPolicy;
use crate::sqlite::Durability;
use crate::version::VERSION;

/// Launch distributed machine-learning benchmark runs, record their metrics, and serve them immediately
///
/// Without arguments the server listens on http://127.0.0.1:8000, stores everything in one file in your data directory,
/// and runs workers as processes on this machine.
#[derive(Debug, Clone, Parser)]
#[command(name = "mlbench-server", version = VERSION, max_term_width = 110)]
pub struct Settings {
    /// Address and port to listen on. Port 0 picks a free port
    #[arg(long, value_name = "ADDR:PORT", env = "MLBENCH_LISTEN", default_value = "127.0.0.1:8000")]
    pub listen: SocketAddr,

    /// Write the listening address into this file once the server is ready
    #[arg(long, value_name = "FILE", env = "MLBENCH_ADDRESS_FILE")]
    pub address_file: Option<PathBuf>,

    /// SQLite database file [default: mlbench/mlbench.sqlite3 in your data directory]
    #[arg(long, value_name = "FILE", env = "MLBENCH_DATABASE", global = true)]
    pub database: Option<PathBuf>,

    /// Take over a moved database with its active runs
    ///
    /// Without it, a database that was opened elsewhere before counts as a copy: its active runs fail here, because they
    /// belong to the server on the original.
    #[arg(long, env = "MLBENCH_ADOPT")]
    pub adopt: bool,

    /// Delete what unknown runs left in the cluster, even if it is newer than the last write
    ///
    /// That includes the runs of the databases that this one is a copy of. Without it, the server names all this and leaves
    /// it alone: it may belong to runs that a restored backup does not contain, or to the server on the original.
    #[arg(long, env = "MLBENCH_PURGE")]
    pub purge: bool,

    /// Serve a database without changing it: refuse every write, start no run, take no part in a cluster
    ///
    /// No server may write the database meanwhile. A backup can be served, and several servers can share one.
    #[arg(long, env = "MLBENCH_READ_ONLY")]
    pub read_only: bool,

    /// When a write is acknowledged
    #[arg(long, value_name = "LEVEL", env = "MLBENCH_DURABILITY", default_value = "full")]
    pub durability: Durability,

    /// Also accept metrics of active runs on this address
    ///
    /// This listener needs no token and serves no other endpoint. The official images need it, as they cannot send a
    /// token.
    #[arg(long, value_name = "ADDR:PORT", env = "MLBENCH_INGEST_LISTEN")]
    pub ingest_listen: Option<SocketAddr>,

    /// What to do with a new run while another one is active
    #[arg(long, value_name = "POLICY", env = "MLBENCH_RUN_POLICY", default_value = "single")]
    pub run_policy: RunPolicy,

    /// Where to run workers
    #[arg(long, value_name = "KIND", env = "MLBENCH_CLUSTER", default_value = "auto")]
    pub cluster: ClusterKind,

    /// Number of local workers [default: the number of cores, at least 2]
    #[arg(long, value_name = "N", env = "MLBENCH_WORKERS", value_parser = workers)]
    pub workers: Option<u32>,

    /// Command of a run that names neither an image nor a command
    ///
    /// [default: the built-in logistic regression of the mlbench program next to this one, or else on PATH]
    #[arg(long, value_name = "COMMAND", env = "MLBENCH_DEFAULT_COMMAND")]
    pub default_command: Option<String>,

    /// Prefix of the command of a run with the mpi backend
    ///
    /// [default: mpirun --oversubscribe --host {hosts}, with --allow-run-as-root for root. With --mpi-daemons ssh, the
    /// prefix of the official images]
    #[arg(long, value_name = "COMMAND", env = "MLBENCH_MPIRUN")]
    pub mpirun: Option<String>,

    /// URL at which workers reach this server [default: the listening address]
    #[arg(long, value_name = "URL", env = "MLBENCH_SERVER_URL")]
    pub server_url: Option<String>,

    /// Time between SIGTERM and SIGKILL when a run is stopped
    #[arg(long, value_name = "TIME", env = "MLBENCH_GRACE_PERIOD", default_value = "10s", value_parser = duration)]
    pub grace_period: Duration,

    /// How long to wait for the workers of a run to become ready before the run fails
    #[arg(long, value_name = "TIME", env = "MLBENCH_START_TIMEOUT", default_value = "10m", value_parser = duration)]
    pub start_timeout: Duration,

    /// Longest time of a run, from its admission to its end, before it fails [default: no limit]
    #[arg(long, value_name = "TIME", env = "MLBENCH_TIME_LIMIT", value_parser = duration)]
    pub time_limit: Option<Duration>,

    /// Longest time that ranks may go on after another one has ended [default: no limit]
    #[arg(long, value_name = "TIME", env = "MLBENCH_EXIT_GRACE", value_parser = duration)]
    pub exit_grace: Option<Duration>,

    /// How long an external run may send no metric, line or update before it fails
    #[arg(long, value_name = "TIME", env = "MLBENCH_EXTERNAL_TIMEOUT", default_value = "10m", value_parser = interval)]
    pub external_timeout: Duration,

    /// Interval between two samples of the workers' resource usage [default: 2s locally, 10s in Kubernetes]
    #[arg(long, value_name = "TIME", env = "MLBENCH_SAMPLE_INTERVAL", value_parser = interval)]
    pub sample_interval: Option<Duration>,

    /// Maximum stored output per run and stream, in MiB. Later output is dropped with a server message
    ///
    /// Each stream of a local rank also keeps at most this much on the disk until the server has stored it.
    #[arg(long, value_name = "MIB", env = "MLBENCH_OUTPUT_LIMIT", default_value_t = 256, value_parser = amount)]
    pub output_limit: u32,

    /// Stop active runs when the server stops, instead of leaving them running
    #[arg(long, env = "MLBENCH_STOP_RUNS_ON_EXIT")]
    pub stop_runs_on_exit: bool,

    /// Host names that requests may use, besides localhost and IP addresses
    #[arg(long, value_name = "NAMES", env = "MLBENCH_ALLOWED_HOSTS", value_delimiter = ',')]
    pub allowed_hosts: Vec<String>,

    /// Name of this server's service in Kubernetes, which requests may use inside the cluster
    ///
    /// In a pod the server accepts NAME, NAME.NAMESPACE, NAME.NAMESPACE.svc and NAME.NAMESPACE.svc.cluster.local as host
    /// names. The namespace is that of the variable POD_NAMESPACE, or else of the service account.
    #[arg(long, value_name = "NAME", env = "MLBENCH_SERVICE_NAME", default_value = "mlbench")]
    pub service_name: String,

    /// File with the bearer token required by every endpoint except the health checks
    ///
    /// Required to listen on a non-loopback address unless --insecure-no-auth is set.
    #[arg(long, value_name = "FILE", env = "MLBENCH_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,

    /// File with a second bearer token, which may only read the server's own metrics
    ///
    /// Give it to a program that scrapes them, such as Prometheus.
    #[arg(long, value_name = "FILE", env = "MLBENCH_METRICS_TOKEN_FILE")]
    pub metrics_token_file: Option<PathBuf>,

    /// Require no token on a non-loopback address: anyone who reaches the port can run programs
    #[arg(long, env = "MLBENCH_INSECURE_NO_AUTH")]
    pub insecure_no_auth: bool,

    /// Log level: error, warn, info, debug or trace, also per module (info,mlbench_server::launcher=debug)
    #[arg(long, value_name = "FILTER", env = "MLBENCH_LOG", default_value = "info")]
    pub log: String,

    /// Log format
    #[arg(long, value_name = "FORMAT", env = "MLBENCH_LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,

    /// Workers in Kubernetes
    #[command(flatten)]
    pub kubernetes: KubernetesSettings,

    /// What to do with the database, instead of serving it.
    #[command(subcommand)]
    pub upkeep: Option<Upkeep>,

    /// The settings that were given.
    #[arg(skip)]
    pub(super) given: Vec<Given>,
}

impl Settings {
    /// Reads the settings of this process.
    #[must_use]
    pub fn from_command_line() -> Self {
        Self::from_words(std::env::args_os()).unwrap_or_else(|error| error.exit())
    }

    /// Reads the settings from these flags, without the program's name.
    ///
    /// # Errors
    /// The message that the program would print.
    pub fn from_flags<'a>(flags: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let line = std::iter::once("mlbench-server").chain(flags);
        Self::from_words(line).map_err(|error| error.to_string())
    }

    fn from_words<T: Into<OsString> + Clone>(
        words: impl IntoIterator<Item = T>,
    ) -> Result<Self, clap::Error> {
        let mut command = Self::command();
        let matches = command.try_get_matches_from_mut(words).map_err(shortened)?;
        let settings = Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
        Ok(Self { given: given::find(&command, &matches), ..settings })
    }
}

/// Shortens the value that an error repeats.
fn shortened(mut error: clap::Error) -> clap::Error {
    for kind in [ContextKind::InvalidValue, ContextKind::InvalidArg] {
        if let Some(ContextValue::String(text)) = error.get(kind) {
            let short = shorten(text).into_owned();
            error.insert(kind, ContextValue::String(short));
        }
    }
    error
}

/// Returns the environment of this process, which local workers inherit.
#[must_use]
pub fn environment() -> Vec<(OsString, OsString)> {
    std::env::vars_os().collect()
}
