//! Dependencies and settings of the launcher.

use std::sync::Arc;
use std::time::Duration;

use mlbench_core::Timestamp;
use mlbench_core::storage::Storage;

use super::handle::LauncherHandle;
use crate::clock::Clock;
use crate::cluster::Cluster;
use crate::monitor::Monitor;

/// Everything the launcher works with.
#[derive(Clone)]
pub struct LauncherDeps {
    /// The store of runs, ranks and output.
    pub storage: Arc<dyn Storage>,
    /// The cluster that executes the runs.
    pub cluster: Arc<dyn Cluster>,
    /// Wakes the launcher and signals its changes to the rest of the server.
    pub handle: LauncherHandle,
    /// Samples the pods when a run starts and when it ends.
    pub monitor: Monitor,
    /// Clock for all stored dates.
    pub clock: Clock,
    /// Timeouts, and what ranks get to execute.
    pub settings: Arc<LauncherSettings>,
}

/// Settings of the launcher.
#[derive(Debug, Clone)]
pub struct LauncherSettings {
    /// Time between SIGTERM and SIGKILL.
    pub grace_period: Duration,
    /// Time that the workers of a run have to become ready, counted from its admission.
    pub start_timeout: Duration,
    /// Time from the admission of a run to its end, or `None` for no limit.
    pub time_limit: Option<Duration>,
    /// Time that ranks may go on after another one has ended, or `None` for no limit.
    pub exit_grace: Option<Duration>,
    /// Command line in front of the command of an MPI run. Its placeholders are replaced too.
    pub mpirun_prefix: String,
    /// URL under which workers reach this server (`MLBENCH_URL`).
    pub server_url: String,
    /// When the database was last written before this server opened it.
    pub last_write: Timestamp,
    /// Delete what unknown runs have left in the cluster, whatever its age.
    pub purge_orphans: bool,
    /// Whether workers need a token to post metrics (`MLBENCH_TOKEN`).
    pub run_tokens: bool,
}
