//! What tells a benchmark its place among the workers: arguments, or the environment of a run.

use std::time::Duration;

// No doc comment on the struct: clap would take it for the description of the command.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct WorldArgs {
    /// Run that the metrics belong to; without one they are only printed
    #[arg(
        long = "run_id",
        alias = "run-id",
        value_name = "ID",
        env = "MLBENCH_RUN_ID",
        allow_negative_numbers = true
    )]
    pub(super) run_id: Option<i64>,
    /// This worker, counted from 0
    #[arg(long, value_name = "RANK", env = "RANK")]
    pub(super) rank: Option<usize>,
    /// Host names of the workers, separated by commas, one for each
    #[arg(long, value_name = "HOSTS", value_delimiter = ',')]
    pub(super) hosts: Vec<String>,
    /// Backend that started this program (mpi, gloo, nccl); the workers talk over TCP whatever it is
    #[arg(long, value_name = "BACKEND")]
    pub(super) backend: Option<String>,
    /// Number of workers
    #[arg(long = "world-size", alias = "world_size", value_name = "N", env = "WORLD_SIZE")]
    pub(super) world_size: Option<usize>,
    /// host:port that each worker listens on, separated by commas, by rank
    #[arg(long, value_name = "ADDRESSES", value_delimiter = ',', env = "MLBENCH_ADDRESSES")]
    pub(super) addresses: Vec<String>,
    /// Server that takes the metrics; without one they are only printed
    #[arg(long, value_name = "URL", env = "MLBENCH_URL")]
    pub(super) report_to: Option<String>,
    /// Accepted for the official images' sake: this benchmark computes on the CPU
    #[arg(long)]
    pub(super) gpu: bool,
    /// Accepted for the official images' sake: this benchmark brings its own all-reduce
    #[arg(long)]
    pub(super) horovod: bool,
    /// Seconds to wait until all workers have met
    #[arg(long, value_name = "SECONDS", default_value = "120")]
    pub(super) connect_timeout: Seconds,
    /// Seconds that another worker may be silent before it counts as stuck
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    pub(super) timeout: Seconds,
    /// Set by Open MPI's mpirun, which starts every rank with the same arguments
    #[arg(long = "ompi_rank", hide = true, env = "OMPI_COMM_WORLD_RANK")]
    pub(super) ompi_rank: Option<usize>,
    /// Set by Open MPI's mpirun
    #[arg(long = "ompi_size", hide = true, env = "OMPI_COMM_WORLD_SIZE")]
    pub(super) ompi_size: Option<usize>,
}

/// A time that one can wait, from the command line.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seconds(pub(super) Duration);

impl std::str::FromStr for Seconds {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let seconds = text.parse().ok().filter(|seconds| (0.001..=86_400.0).contains(seconds));
        seconds
            .map(|seconds| Self(Duration::from_secs_f64(seconds)))
            .ok_or("write seconds, from 0.001 to 86400")
    }
}
