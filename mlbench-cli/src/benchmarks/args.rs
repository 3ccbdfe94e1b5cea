//! [`WorldArgs`]: the rank of a benchmark and the other workers, from arguments or the environment.

use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use mlbench_core::number::whole;

use super::pin::Cores;

// No doc comment on the struct: clap would use it as the description of the command.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct WorldArgs {
    /// Run that the metrics belong to. Without it, metrics are only printed
    #[arg(
        long = "run_id",
        alias = "run-id",
        value_name = "ID",
        env = "MLBENCH_RUN_ID",
        hide_env_values = true,
        allow_negative_numbers = true,
        value_parser = parse_whole::<i64>
    )]
    pub(super) run_id: Option<i64>,
    /// Rank of this worker, from 0
    #[arg(long, value_name = "RANK", env = "RANK", hide_env_values = true, value_parser = parse_whole::<usize>)]
    pub(super) rank: Option<usize>,
    /// Host names of the workers by rank, comma-separated
    #[arg(long, value_name = "HOSTS", value_delimiter = ',')]
    pub(super) hosts: Vec<String>,
    /// Backend that started this program (mpi, gloo, nccl). The workers use TCP with any backend
    #[arg(long, value_name = "BACKEND")]
    pub(super) backend: Option<String>,
    /// Number of workers
    #[arg(
        long = "world-size",
        alias = "world_size",
        value_name = "N",
        env = "WORLD_SIZE",
        hide_env_values = true,
        value_parser = parse_whole::<usize>
    )]
    pub(super) world_size: Option<usize>,
    /// Addresses host:port of the workers by rank, comma-separated
    #[arg(
        long,
        value_name = "ADDRESSES",
        value_delimiter = ',',
        env = "MLBENCH_ADDRESSES",
        hide_env_values = true
    )]
    pub(super) addresses: Vec<String>,
    /// URL of the server that stores the metrics. Without it, metrics are only printed
    #[arg(long, value_name = "URL", env = "MLBENCH_URL", hide_env_values = true)]
    pub(super) report_to: Option<String>,
    /// Accepted for compatibility. This benchmark computes on the CPU
    #[arg(long, env = "MLBENCH_GPU", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(super) gpu: bool,
    /// Accepted for compatibility. This benchmark has its own all-reduce
    #[arg(long, env = "MLBENCH_HOROVOD", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(super) horovod: bool,
    /// Train to the light goal, a lower accuracy, if the benchmark has a goal
    #[arg(long, env = "MLBENCH_LIGHT", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(super) light: bool,
    /// Cores to run on, such as 0 or 2,3, or all
    #[arg(long, value_name = "CORES", env = "MLBENCH_CORES", hide_env_values = true)]
    pub(super) cores: Option<Cores>,
    /// Seconds to wait for all workers to connect
    #[arg(long, value_name = "SECONDS", default_value = "120")]
    pub(super) connect_timeout: Seconds,
    /// Seconds without data before another worker counts as stuck
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    pub(super) timeout: Seconds,
    /// Set by mpirun of Open MPI, which starts every rank with the same arguments
    #[arg(long = "ompi_rank", hide = true, env = "OMPI_COMM_WORLD_RANK", value_parser = parse_whole::<usize>)]
    pub(super) ompi_rank: Option<usize>,
    /// Set by mpirun of Open MPI
    #[arg(long = "ompi_size", hide = true, env = "OMPI_COMM_WORLD_SIZE", value_parser = parse_whole::<usize>)]
    pub(super) ompi_size: Option<usize>,
}

/// Parses a whole number of at least 1, in any spelling: `10`, `10.0` or `1e1`.
pub(super) fn parse_count(text: &str) -> Result<NonZeroUsize, &'static str> {
    whole(text).and_then(NonZeroUsize::new).ok_or("must be a whole number of at least 1")
}

/// Parses a whole number in any spelling.
pub(super) fn parse_whole<T: FromStr + TryFrom<i128>>(text: &str) -> Result<T, &'static str> {
    whole(text).ok_or("must be a whole number")
}

/// A timeout in seconds.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seconds(pub(super) Duration);

impl FromStr for Seconds {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let seconds = text.parse().ok().filter(|seconds| (0.001..=86_400.0).contains(seconds));
        let seconds = seconds.ok_or("must be a number of seconds from 0.001 to 86400")?;
        Ok(Self(Duration::from_secs_f64(seconds)))
    }
}
