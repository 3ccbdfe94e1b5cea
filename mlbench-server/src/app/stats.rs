//! The state of the store and the process, in numbers.

use mlbench_core::Result;
use mlbench_core::storage::StoreStats;

use super::context::App;
use crate::cluster::PodListStatus;

/// State of the store and the process.
#[derive(Debug, Clone)]
pub struct Stats {
    /// State of the store.
    pub store: StoreStats,
    /// Whether the list of pods has every change.
    pub pods_are_current: bool,
    /// Open streams of events.
    pub event_streams: usize,
    /// The server's own process. `None` where the system has no `/proc`.
    pub process: Option<Process>,
}

/// Resources of the server's process.
#[derive(Debug, Clone, Copy)]
pub struct Process {
    /// Start, in seconds since 1970.
    pub started: f64,
    /// CPU time, in seconds.
    pub cpu_seconds: f64,
    /// Resident memory with shared pages, in bytes.
    pub resident_bytes: u64,
}

/// Collects the statistics.
///
/// # Errors
/// When the store fails.
pub async fn collect(app: &App) -> Result<Stats> {
    let pods_are_current = app.cluster.pod_list_status() == PodListStatus::Current;
    let event_streams = app.events.streams();
    Ok(Stats { store: app.storage.stats().await?, pods_are_current, event_streams, process: own_process() })
}

#[expect(clippy::cast_precision_loss, reason = "seconds since 1970 and clock ticks are far below 2^53")]
fn own_process() -> Option<Process> {
    let stat = procfs::process::Process::myself().and_then(|own| own.stat()).ok()?;
    let ticks = procfs::ticks_per_second() as f64;
    Some(Process {
        started: procfs::boot_time_secs().ok()? as f64 + stat.starttime as f64 / ticks,
        cpu_seconds: (stat.utime + stat.stime) as f64 / ticks,
        resident_bytes: stat.rss * procfs::page_size(),
    })
}
