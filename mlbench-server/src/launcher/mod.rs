//! Executes runs: provisions workers, launches ranks, stores their output, and decides how each run ends.
//!
//! The launcher keeps no truth of its own: the stored run is the truth. [`driver`] starts one task per run that holds
//! workers: a [`supervisor`] for each active run, a [`teardown`] for each deleted run. A supervisor reads its run, asks
//! [`plan`] for the next actions, executes them, and repeats. Every request to the cluster is idempotent, and each
//! result is stored before the next step relies on it. A supervisor can therefore be dropped at any `await` and started
//! again, in this process or in the next one.

mod ages;
mod backoff;
mod deps;
mod driver;
mod end_date;
mod end_requests;
mod failure_reason;
mod handle;
mod outage;
mod plan;
mod rank;
mod recorder;
mod run_context;
mod shutdown;
mod supervisor;
mod tasks;
mod teardown;
mod terminations;
#[cfg(test)]
pub(crate) mod tests;
mod unfinished;

pub use self::deps::{LauncherDeps, LauncherSettings};
pub use self::driver::start;
pub use self::end_requests::{EndRequest, is_unwritable};
pub use self::handle::LauncherHandle;
pub use self::shutdown::stop_all;
pub use self::unfinished::UnfinishedLines;
