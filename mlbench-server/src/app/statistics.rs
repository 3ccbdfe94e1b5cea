//! How the server is, in numbers, for whoever watches it.

use mlbench_core::Result;
use mlbench_core::storage::StoreStats;

use super::App;
use super::traffic::EndpointStats;

/// Everything that is told.
#[derive(Debug, Clone)]
pub struct Report {
    /// What the store says.
    pub store: StoreStats,
    /// What was asked, endpoint by endpoint.
    pub asked: Vec<EndpointStats>,
    /// Requests whose answers are not completely sent.
    pub in_flight: u64,
    /// Repeated requests that were answered as the first time.
    pub replays: u64,
    /// The server's own process; `None` where the system does not tell.
    pub process: Option<Process>,
}

/// What the server's process takes.
#[derive(Debug, Clone, Copy)]
pub struct Process {
    /// When it was started, in seconds since 1970.
    pub started: f64,
    /// CPU time it has used, in seconds.
    pub cpu_seconds: f64,
    /// Memory that it holds, in bytes, with what it shares with others.
    pub resident_bytes: u64,
}

/// How the server is.
///
/// # Errors
/// When the store does not answer.
pub async fn report(app: &App) -> Result<Report> {
    Ok(Report {
        store: app.storage.stats().await?,
        asked: app.traffic.asked(),
        in_flight: app.traffic.in_flight(),
        replays: app.traffic.replays(),
        process: own_process(),
    })
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
