//! Every setting: a flag, an environment variable, a default, a sentence. Read once, here and nowhere else.

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Parser, ValueEnum};
use etcetera::BaseStrategy;

use crate::app::RunPolicy;

/// How hard an acknowledged metric is to lose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Durability {
    /// On disk before it is acknowledged: survives a power failure.
    Full,
    /// Handed to the operating system: survives a crash of the server, not of the machine.
    Normal,
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

    /// Number of local workers [default: the number of cores, at least 2]
    #[arg(long, value_name = "N", env = "MLBENCH_WORKERS", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub workers: Option<u32>,

    /// What a run executes that names neither an image nor a command [default: the built-in logistic regression of
    /// the mlbench program beside this one, else of the one on PATH]
    #[arg(long, value_name = "COMMAND", env = "MLBENCH_DEFAULT_COMMAND")]
    pub default_command: Option<String>,

    /// What stands before the command of a run with the mpi backend [default: mpirun --oversubscribe --host {hosts},
    /// with --allow-run-as-root for root]
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

    /// Time between two measurements of what the worker pods use
    #[arg(long, value_name = "TIME", env = "MLBENCH_SAMPLE_INTERVAL", default_value = "2s", value_parser = interval)]
    pub sample_interval: Duration,

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

    /// Number of local workers.
    #[must_use]
    pub fn workers(&self) -> u32 {
        let cores =
            || std::thread::available_parallelism().map_or(2, |n| u32::try_from(n.get()).unwrap_or(2));
        self.workers.unwrap_or_else(|| cores().max(2))
    }

    /// The mpirun prefix.
    #[must_use]
    pub fn mpirun(&self) -> String {
        let root = if rustix::process::geteuid().is_root() { " --allow-run-as-root" } else { "" };
        self.mpirun.clone().unwrap_or_else(|| format!("mpirun{root} --oversubscribe --host {{hosts}}"))
    }

    /// What a run executes that names no command, or why there is nothing.
    ///
    /// # Errors
    /// A sentence that names both places where the `mlbench` program was looked for.
    pub fn default_command(&self) -> Result<String, String> {
        if let Some(command) = &self.default_command {
            return Ok(command.clone());
        }
        let own = std::env::current_exe().ok();
        let beside = own.as_deref().and_then(Path::parent).map(|folder| folder.join("mlbench"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let on_path = std::env::split_paths(&path).map(|folder| folder.join("mlbench"));
        let program = beside.into_iter().chain(on_path).find(|file| is_program(file)).ok_or_else(|| {
            "a run without a command needs the program mlbench, which is neither beside the server's own program nor \
             on its PATH; send custom_image_command, or start the server with --default-command"
                .to_owned()
        })?;
        let program = program.to_string_lossy();
        Ok(format!("{} benchmark logistic-regression {OFFICIAL_ARGUMENTS}", shell_words::quote(&program)))
    }

    /// The URL that workers are given to reach a server that listens on `address`.
    #[must_use]
    pub fn server_url(&self, address: SocketAddr) -> String {
        let reachable = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::from(([127, 0, 0, 1], address.port())),
            IpAddr::V6(ip) if ip.is_unspecified() => {
                SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], address.port()))
            }
            _ => address,
        };
        self.server_url.clone().unwrap_or_else(|| format!("http://{reachable}"))
    }
}

/// The environment of this process, for the workers that inherit it.
#[must_use]
pub fn environment() -> Vec<(OsString, OsString)> {
    std::env::vars_os().collect()
}

/// The arguments that every official image takes.
const OFFICIAL_ARGUMENTS: &str = "--run_id {run_id} --rank {rank} --hosts {hosts} --backend {backend}";

fn is_program(file: &Path) -> bool {
    rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok() && file.is_file()
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed: Option<jiff::SignedDuration> = text.parse().ok();
    parsed
        .and_then(|time| Duration::try_from(time).ok())
        .ok_or_else(|| "write a time like 10s, 500ms or 2m".to_owned())
}

fn interval(text: &str) -> Result<Duration, String> {
    let least = Duration::from_millis(100);
    duration(text)
        .and_then(|time| if time >= least { Ok(time) } else { Err("must be at least 100ms".to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(flags: &[&str]) -> Settings {
        Settings::from_flags(flags.iter().copied()).unwrap()
    }

    #[test]
    fn the_flags_are_consistent() {
        use clap::CommandFactory;
        Settings::command().debug_assert();
    }

    #[test]
    fn another_bind_than_loopback_has_to_be_asked_for() {
        assert!(settings(&[]).check().is_ok());
        assert!(settings(&["--listen", "[::1]:0"]).check().is_ok());
        let refusal = settings(&["--listen", "0.0.0.0:80"]).check().unwrap_err();
        assert!(refusal.contains("--insecure-no-auth"), "{refusal}");
        assert!(refusal.contains("--token-file"), "{refusal}");
        assert!(settings(&["--listen", "0.0.0.0:80", "--insecure-no-auth"]).check().is_ok());
        assert!(settings(&["--listen", "0.0.0.0:80", "--token-file", "t"]).check().is_ok());
        let both = settings(&["--insecure-no-auth", "--token-file", "t"]).check().unwrap_err();
        assert!(both.contains("leave one of them out"), "{both}");
    }

    #[test]
    fn a_time_needs_a_unit() {
        assert_eq!(settings(&["--grace-period", "500ms"]).grace_period, Duration::from_millis(500));
        assert_eq!(settings(&["--start-timeout", "1h 30m"]).start_timeout, Duration::from_secs(5400));
        for text in ["10", "-1s", "soon", ""] {
            let refusal = Settings::from_flags([format!("--grace-period={text}").as_str()]).unwrap_err();
            assert!(refusal.contains("grace-period"), "{refusal}");
        }
        assert!(Settings::from_flags(["--sample-interval", "1ms"]).is_err());
    }

    #[test]
    fn workers_reach_a_wildcard_bind_over_loopback() {
        let url = |address: &str| settings(&[]).server_url(address.parse().unwrap());
        assert_eq!(url("127.0.0.1:8000"), "http://127.0.0.1:8000");
        assert_eq!(url("0.0.0.0:80"), "http://127.0.0.1:80");
        assert_eq!(url("[::]:80"), "http://[::1]:80");
    }

    #[test]
    fn a_host_name_has_no_port() {
        assert!(settings(&["--allowed-hosts", "a.example,b.example"]).check().is_ok());
        assert!(settings(&["--allowed-hosts", "a.example:80"]).check().is_err());
    }
}
