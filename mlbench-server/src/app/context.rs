//! [`App`]: what every use case works with.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mlbench_core::storage::Storage;

use super::hub::EventHub;
use super::run_cache::RunJsonCache;
use super::sessions::Sessions;
use crate::clock::Clock;
use crate::cluster::Cluster;
use crate::launcher::LauncherHandle;
use crate::vitals::Vitals;

/// What the server does with a new run while another one is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunPolicy {
    /// Refuses it: one run at a time.
    Single,
    /// Queues it: first come, first served, as many at a time as there are workers for.
    Queue,
}

/// What exports and imports of runs need besides the store.
#[derive(Debug, Clone)]
pub struct Exports {
    /// Random name of the database.
    pub server: String,
    /// Name of this machine, or of the release in a cluster, possibly empty.
    pub host: String,
    /// Where archives lie while they are imported, on the disk of the database.
    ///
    /// `None` on a server that only reads.
    pub directory: Option<PathBuf>,
}

/// What every use case works with.
#[derive(Clone)]
pub struct App {
    /// The store.
    pub storage: Arc<dyn Storage>,
    /// The cluster that provides workers.
    pub cluster: Arc<dyn Cluster>,
    /// Wakes the launcher, which drives runs to their end.
    pub launcher: LauncherHandle,
    /// Passes on what changes in the store.
    pub events: EventHub,
    /// Which part of the server has failed for good.
    pub vitals: Vitals,
    /// The time.
    pub clock: Clock,
    /// What the server does with a new run while another one is active.
    pub policy: RunPolicy,
    /// Whether the server requires a token, so that external runs get tokens of their own.
    pub run_tokens: bool,
    /// Longest time in which a stream of events shows no sign of life.
    pub heartbeat: Duration,
    /// Sessions of browsers.
    pub sessions: Sessions,
    /// JSON of finished runs.
    pub run_cache: RunJsonCache,
    /// Command of a run that names none, or the places that were searched for one.
    pub default_command: Result<String, String>,
    /// Names this server in the runs that it exports, and where it keeps an archive that arrives.
    pub exports: Exports,
    /// Longest time of a run. `None` for no limit.
    pub time_limit: Option<Duration>,
}
