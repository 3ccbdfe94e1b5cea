//! Every setting: a flag, an environment variable, a default, a sentence. Read once, here and nowhere else.

mod defaults;
mod kubernetes;
#[cfg(test)]
mod tests;
mod values;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use etcetera::BaseStrategy;

pub use self::kubernetes::KubernetesSettings;
use self::values::{duration, interval};
use crate::app::RunPolicy;

/// How hard an acknowledged metric is to lose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Durability {
    /// On disk before it is acknowledged: survives a power failure.
    Full,
    /// Handed to the operating system: survives a crash of the server, not of the machine.
    Normal,
}

/// Where workers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ClusterKind {
    /// Kubernetes inside a pod, and where --kube-context or KUBECONFIG is given; else this machine.
    Auto,
    /// Pods.
    Kubernetes,
    /// Processes of this machine.
    Local,
}

/// How the server writes its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Launches distributed machine-learning benchmark runs, records what they measure, answers about it at once.
///
/// Without any argument it serves http://127.0.0.1:8000, keeps everything in one file in your data directory, and runs
/// its workers as processes of this machine.
#[derive(Debug, Clone, Parser)]
#[command(name = "mlbench-server", version, max_term_width = 110)]
pub struct Settings {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT", env = "MLBENCH_LISTEN", default_value = "127.0.0.1:8000")]
    pub listen: SocketAddr,

    /// Write the address that was taken into this file once the server is ready
    #[arg(long, value_name = "FILE", env = "MLBENCH_ADDRESS_FILE")]
    pub address_file: Option<PathBuf>,

    /// SQLite file that everything is kept in [default: mlbench/mlbench.sqlite3 in the user's data directory]
    #[arg(long, value_name = "FILE", env = "MLBENCH_DATABASE")]
    pub database: Option<PathBuf>,

    /// How hard an acknowledged metric is to lose
    #[arg(long, value_name = "HOW", env = "MLBENCH_DURABILITY", default_value = "full")]
    pub durability: Durability,

    /// Take metrics of active runs on this address too, from anybody and without a token, and nothing else: for the
    /// official images, which cannot send one
    #[arg(long, value_name = "ADDR:PORT", env = "MLBENCH_INGEST_LISTEN")]
    pub ingest_listen: Option<SocketAddr>,

    /// What becomes of a start while a run is active
    #[arg(long, value_name = "POLICY", env = "MLBENCH_RUN_POLICY", default_value = "single")]
    pub run_policy: RunPolicy,

    /// Where workers come from
    #[arg(long, value_name = "WHERE", env = "MLBENCH_CLUSTER", default_value = "auto")]
    pub cluster: ClusterKind,

    /// Number of local workers [default: the number of cores, at least 2]
    #[arg(long, value_name = "N", env = "MLBENCH_WORKERS", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub workers: Option<u32>,

    /// What a run executes that names neither an image nor a command [default: the built-in logistic regression of
    /// the mlbench program beside this one, else of the one on PATH]
    #[arg(long, value_name = "COMMAND", env = "MLBENCH_DEFAULT_COMMAND")]
    pub default_command: Option<String>,

    /// What stands before the command of a run with the mpi backend [default: mpirun --oversubscribe --host {hosts},
    /// with --allow-run-as-root for root; in Kubernetes that of the official images]
    #[arg(long, value_name = "COMMAND", env = "MLBENCH_MPIRUN")]
    pub mpirun: Option<String>,

    /// URL under which the workers reach this server [default: the address that was taken]
    #[arg(long, value_name = "URL", env = "MLBENCH_SERVER_URL")]
    pub server_url: Option<String>,

    /// Time between SIGTERM and SIGKILL when a run is stopped
    #[arg(long, value_name = "TIME", env = "MLBENCH_GRACE_PERIOD", default_value = "10s", value_parser = duration)]
    pub grace_period: Duration,

    /// Time that workers have to come up before the run fails
    #[arg(long, value_name = "TIME", env = "MLBENCH_START_TIMEOUT", default_value = "10m", value_parser = duration)]
    pub start_timeout: Duration,

    /// Time between two measurements of what the worker pods use [default: 2s on this machine, 10s in Kubernetes]
    #[arg(long, value_name = "TIME", env = "MLBENCH_SAMPLE_INTERVAL", value_parser = interval)]
    pub sample_interval: Option<Duration>,

    /// Output that is kept of a run, in MiB per stream; what comes after is dropped with a note
    #[arg(long, value_name = "MIB", env = "MLBENCH_OUTPUT_LIMIT", default_value_t = 256)]
    pub output_limit: u32,

    /// Stop the active runs when the server ends, instead of leaving them going
    #[arg(long, env = "MLBENCH_STOP_RUNS_ON_EXIT")]
    pub stop_runs_on_exit: bool,

    /// Names besides localhost and IP addresses under which browsers and clients may address this server
    #[arg(long, value_name = "NAMES", env = "MLBENCH_ALLOWED_HOSTS", value_delimiter = ',')]
    pub allowed_hosts: Vec<String>,

    /// File with the token that everybody must show who asks for more than this server's health; needed to listen beyond
    /// loopback
    #[arg(long, value_name = "FILE", env = "MLBENCH_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,

    /// Listen beyond loopback without asking for a credential: whoever reaches the port can run programs here
    #[arg(long, env = "MLBENCH_INSECURE_NO_AUTH")]
    pub insecure_no_auth: bool,

    /// What is logged: error, warn, info, debug or trace, also per module (info,mlbench_server::launcher=debug)
    #[arg(long, value_name = "FILTER", env = "MLBENCH_LOG", default_value = "info")]
    pub log: String,

    /// How the log is written
    #[arg(long, value_name = "FORMAT", env = "MLBENCH_LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,

    /// Pods, how many and which
    #[command(flatten)]
    pub kubernetes: KubernetesSettings,
}

impl Settings {
    /// The settings of this process.
    #[must_use]
    pub fn from_command_line() -> Self {
        Self::parse()
    }

    /// The settings that a command line of these flags means, without the program's name.
    ///
    /// # Errors
    /// What is wrong with them, as the program would print it.
    pub fn from_flags<'a>(flags: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let line = std::iter::once("mlbench-server").chain(flags);
        Self::try_parse_from(line).map_err(|error| error.to_string())
    }

    /// Refuses settings that do not go together.
    ///
    /// # Errors
    /// One sentence that says what to change.
    pub fn check(&self) -> Result<(), String> {
        match &self.token_file {
            Some(_) if self.insecure_no_auth => {
                let rule = "--insecure-no-auth: asks for no token, while --token-file names one; leave one of them out";
                return Err(rule.to_owned());
            }
            None if !self.listen.ip().is_loopback() && !self.insecure_no_auth => {
                return Err(format!(
                    "--listen {}: whoever reaches this address could run programs here; listen on 127.0.0.1, name a \
                     --token-file FILE whose token everybody must show, or add --insecure-no-auth if only trusted \
                     machines reach it",
                    self.listen
                ));
            }
            _ => {}
        }
        self.kubernetes.check()?;
        let host = |name: &String| name.is_empty() || name.contains(['/', ':', ' ']);
        match self.allowed_hosts.iter().find(|name| host(name)) {
            Some(name) => {
                Err(format!("--allowed-hosts: {name:?} is not a host name; leave scheme and port out"))
            }
            None => Ok(()),
        }
    }

    /// The database file: the one that was named, or the one in the user's data directory.
    ///
    /// # Errors
    /// When neither is known.
    pub fn database(&self) -> Result<PathBuf, String> {
        if let Some(file) = &self.database {
            return Ok(file.clone());
        }
        let base = etcetera::choose_base_strategy().map_err(|error| {
            format!("there is no data directory for this user ({error}); name a --database FILE")
        })?;
        Ok(base.data_dir().join("mlbench").join("mlbench.sqlite3"))
    }
}

/// The environment of this process, for the workers that inherit it.
#[must_use]
pub fn environment() -> Vec<(OsString, OsString)> {
    std::env::vars_os().collect()
}
