//! Time to start, memory and disk.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::bench::Bench;
use crate::databases::Database;
use crate::error::Result;
use crate::load::Samples;
use crate::options::Options;
use crate::report::Measurement;
use crate::server::Server;

const STARTS: usize = 7;

/// Measures a server whose database does not exist yet.
pub(crate) async fn empty(options: &Options, folder: &Path) -> Result<Vec<Measurement>> {
    let mut number = 0;
    let next = || {
        number += 1;
        folder.join(format!("empty-{number}.db"))
    };
    starts_and_memory(options, next).await
}

/// Measures a server with an existing database.
pub(crate) async fn stored(options: &Options, database: &Database) -> Result<Vec<Measurement>> {
    let mut measurements = Vec::new();
    if options.wants("disk") {
        let bytes = fs::metadata(&database.path)?.len();
        let per_point = bytes as f64 / database.points as f64;
        let measurement = Measurement::new("disk", "disk", per_point, "bytes/point");
        measurements.push(measurement.note("million points", database.points as f64 / 1e6).at_most(9.0));
    }
    measurements.extend(starts_and_memory(options, || database.path.clone()).await?);
    Ok(measurements)
}

async fn starts_and_memory(
    options: &Options,
    mut database: impl FnMut() -> std::path::PathBuf,
) -> Result<Vec<Measurement>> {
    let mut measurements = Vec::new();
    if options.wants("start") {
        let mut times = Vec::new();
        for _ in 0..STARTS {
            let server = Server::start(&options.server, &database()).await?;
            times.push(server.ready_after);
            server.stop()?;
        }
        let times = Samples::new(times);
        let measurement = Measurement::new("start", "from start to ready", times.percentile(50.0), "ms");
        measurements.push(measurement.note("slowest ms", times.percentile(100.0)).at_most(100.0));
    }
    if options.wants("memory") {
        let server = Server::start(&options.server, &database()).await?;
        idle(Duration::from_secs(1)).await;
        measurements
            .push(Measurement::new("memory", "memory (PSS) when idle", server.pss()?, "MiB").at_most(15.0));
        server.stop()?;
    }
    Ok(measurements)
}

/// Waits while the server does its background work.
async fn idle(time: Duration) {
    let mut ticks = tokio::time::interval(time);
    ticks.tick().await;
    ticks.tick().await;
}

impl Bench<'_> {
    /// Measures the memory of the server after all other measurements, next to that before the lists of runs.
    pub(crate) fn memory_afterwards(&self, before_lists: f64) -> Result<Vec<Measurement>> {
        if !self.options.wants("memory") {
            return Ok(Vec::new());
        }
        let measurement =
            Measurement::new("memory", "memory (PSS) after all of this", self.server.pss()?, "MiB");
        Ok(vec![measurement.note("before the lists of runs", before_lists).at_most(60.0)])
    }
}
