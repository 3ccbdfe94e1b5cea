//! What the server takes for being there: time to start, memory, disk.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::Bench;
use crate::load::Samples;
use crate::report::Figure;
use crate::server::Server;
use crate::{Options, Result, Subject};

const STARTS: usize = 7;

/// Figures of a server whose database does not exist yet.
pub(crate) async fn empty(options: &Options, folder: &Path) -> Result<Vec<Figure>> {
    let mut number = 0;
    let next = || {
        number += 1;
        folder.join(format!("empty-{number}.db"))
    };
    starts_and_memory(options, next).await
}

/// Figures of a database that lies there.
pub(crate) async fn stored(options: &Options, subject: &Subject) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    if options.wants("disk") {
        let bytes = fs::metadata(&subject.database)?.len();
        let per_point = bytes as f64 / subject.points as f64;
        let figure = Figure::new("disk", "disk", per_point, "bytes/point");
        figures.push(figure.note("million points", subject.points as f64 / 1e6).at_most(40.0));
    }
    figures.extend(starts_and_memory(options, || subject.database.clone()).await?);
    Ok(figures)
}

async fn starts_and_memory(
    options: &Options,
    mut database: impl FnMut() -> std::path::PathBuf,
) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    if options.wants("start") {
        let mut times = Vec::new();
        for _ in 0..STARTS {
            let server = Server::start(&options.server, &database()).await?;
            times.push(server.ready_after);
            server.stop()?;
        }
        let times = Samples::new(times);
        let figure = Figure::new("start", "from start to ready", times.percentile(50.0), "ms");
        figures.push(figure.note("slowest ms", times.percentile(100.0)).at_most(100.0));
    }
    if options.wants("memory") {
        let server = Server::start(&options.server, &database()).await?;
        idle(Duration::from_secs(1)).await;
        figures.push(Figure::new("memory", "memory (PSS) when idle", server.pss()?, "MiB").at_most(25.0));
        server.stop()?;
    }
    Ok(figures)
}

/// Lets the server do for a while what it does by itself.
async fn idle(time: Duration) {
    let mut ticks = tokio::time::interval(time);
    ticks.tick().await;
    ticks.tick().await;
}

impl Bench<'_> {
    /// What the server holds when all else was measured.
    pub(crate) fn memory_afterwards(&self) -> Result<Vec<Figure>> {
        if !self.options.wants("memory") {
            return Ok(Vec::new());
        }
        let figure = Figure::new("memory", "memory (PSS) after all of this", self.server.pss()?, "MiB");
        Ok(vec![figure.at_most(60.0)])
    }
}
