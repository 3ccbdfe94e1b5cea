//! Options of a local cluster.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::clock::Clock;

/// Options of a local cluster.
#[derive(Debug, Clone)]
pub struct Options {
    /// Number of workers.
    pub workers: u32,
    /// Directory for the files of runs, `<database>.work`, created for its owner only if missing.
    pub work_dir: PathBuf,
    /// Name of the database, which marks the directories of its runs.
    pub instance: String,
    /// The names that the database had elsewhere.
    pub former: Vec<String>,
    /// The server's environment. Workers inherit it without `MLBENCH_*`.
    pub environment: Vec<(OsString, OsString)>,
    /// Program and first arguments of a supervisor.
    pub supervisor: Vec<OsString>,
    /// Bytes of each output stream of a rank that may wait for the server.
    pub output_limit: u64,
    /// Clock that dates the samples.
    pub clock: Clock,
}
