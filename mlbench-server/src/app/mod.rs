//! Use cases: what the endpoints do, without a word of HTTP, SQL or Kubernetes.

pub mod health;
pub mod images;
pub mod logs;
pub mod metrics;
pub mod pods;
pub mod run_spec;
pub mod runs;
pub mod statistics;
pub mod told_runs;
pub mod traffic;

use std::sync::Arc;

use clap::ValueEnum;
use mlbench_core::storage::Storage;

use crate::clock::Clock;
use crate::cluster::Cluster;
use crate::launcher::LauncherHandle;

/// What becomes of a start while a run is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RunPolicy {
    /// It is refused: one run at a time.
    Single,
    /// It waits: first come, first served, as many at once as there are workers for.
    Queue,
}

/// Everything that a use case works with.
#[derive(Clone)]
pub struct App {
    /// What is kept.
    pub storage: Arc<dyn Storage>,
    /// Where runs run.
    pub cluster: Arc<dyn Cluster>,
    /// Who brings them to their end.
    pub launcher: LauncherHandle,
    /// What time it is.
    pub clock: Clock,
    /// What becomes of a start while a run is active.
    pub policy: RunPolicy,
    /// Ended runs, written once.
    pub told: told_runs::RunJsonCache,
    /// What was asked so far.
    pub traffic: Arc<traffic::RequestMetrics>,
    /// What a run executes that names no command; `Err` with the places that were looked at when there is no such
    /// program.
    pub default_command: Result<String, String>,
}
