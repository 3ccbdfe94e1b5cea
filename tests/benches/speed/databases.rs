//! Prepares the databases to measure on.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::bare::Scan;
use crate::client::request;
use crate::data::{Series, TRAINING};
use crate::error::Result;
use crate::options::Options;
use crate::server::Server;

/// The runs whose metrics are stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Runs {
    /// 10 series of 10,000 points.
    pub(crate) short: Series,
    /// One series of a million points.
    pub(crate) long: Series,
    /// 100 series: 1,000 points each in the small database, 91,000 in the large one.
    pub(crate) wide: Series,
    /// 10 series that the measurements write to.
    pub(crate) fresh: Series,
}

/// A database to measure on.
#[derive(Debug)]
pub(crate) struct Database {
    /// Name in the report.
    pub(crate) label: &'static str,
    /// Path of the file.
    pub(crate) path: PathBuf,
    /// Its runs.
    pub(crate) runs: Runs,
    /// Number of points.
    pub(crate) points: usize,
}

/// Steps of the wide run in the small database.
const WIDE_STEPS: usize = 1_000;
/// Points in the small database.
pub(crate) const SMALL_POINTS: usize = 10 * 10_000 + 1_000_000 + 100 * WIDE_STEPS;

/// Creates the small database.
pub(crate) async fn prepare_small(options: &Options, database: &Path) -> Result<Runs> {
    eprintln!("preparing the small database");
    let server = Server::start(&options.server, database).await?;
    let series = async |count| Result::Ok(Series { run: server.ended_run("true").await?, count, names: &[] });
    let runs = Runs {
        short: series(10).await?,
        long: series(1).await?,
        wide: series(100).await?,
        fresh: series(10).await?,
    };
    import(&server, runs.short, 0, 10_000).await?;
    import(&server, runs.long, 0, 1_000_000).await?;
    import(&server, runs.wide, 0, WIDE_STEPS).await?;
    come_to_rest(&server).await?;
    server.stop()?;
    Scan::create(database, &[(runs.short, 10_000), (runs.long, 1_000_000)])?;
    Ok(runs)
}

/// Series of each run that is compared.
pub(crate) const COMPARED_SERIES: usize = 20;
/// Points of each of them.
pub(crate) const COMPARED_STEPS: usize = 10_000;

/// Creates the database of the comparison, unless it is there, and returns it with the number of runs in it.
pub(crate) async fn prepare_compared(options: &Options, folder: &Path) -> Result<(PathBuf, u64)> {
    let database = folder.join("compared.db");
    let runs = if options.quick { 5 } else { 50 };
    if database.exists() {
        return Ok((database, runs));
    }
    eprintln!("preparing the database of the comparison");
    let server = Server::start(&options.server, &database).await?;
    for _ in 0..runs {
        let run = server.ended_run("true").await?;
        let series = Series { run, count: COMPARED_SERIES, names: TRAINING };
        import(&server, series, 0, COMPARED_STEPS).await?;
    }
    server.stop()?;
    Ok((database, runs))
}

/// Adds points to the wide run and returns the rate in points per second.
pub(crate) async fn enlarge(options: &Options, database: &Path, runs: Runs, points: usize) -> Result<f64> {
    eprintln!("preparing the large database");
    let server = Server::start(&options.server, database).await?;
    let begin = Instant::now();
    import(&server, runs.wide, WIDE_STEPS, points / runs.wide.count).await?;
    let rate = points as f64 / begin.elapsed().as_secs_f64();
    come_to_rest(&server).await?;
    server.stop()?;
    Ok(rate)
}

/// The longest time that a server packs what it has received.
const REST: Duration = Duration::from_secs(300);

/// Waits until the server has packed all points, and given the space back.
pub(crate) async fn come_to_rest(server: &Server) -> Result<()> {
    let mut ticks = tokio::time::interval(Duration::from_secs(2));
    let begin = Instant::now();
    loop {
        ticks.tick().await;
        let (points, unpacked) =
            (server.gauge("mlbench_points").await?, server.gauge("mlbench_points_unpacked").await?);
        // The usage of the workers goes on.
        if unpacked <= points / 100.0 {
            break;
        }
        if begin.elapsed() > REST {
            return Err("the server still packs its points".into());
        }
    }
    // What is packed last is given back after two to three seconds.
    for _ in 0..3 {
        ticks.tick().await;
    }
    Ok(())
}

/// Sends points to the server as NDJSON, a million per request.
pub(crate) async fn import(server: &Server, series: Series, first: usize, steps: usize) -> Result<()> {
    let mut connection = server.connect().await?;
    let steps_each = series.steps_of_import();
    for begin in (first..first + steps).step_by(steps_each) {
        let steps = steps_each.min(first + steps - begin);
        let body = series.lines(begin, steps);
        let request = request("POST", "/api/metrics/batch/", "application/x-ndjson", &body);
        let response: serde_json::Value = serde_json::from_slice(&connection.body(&request).await?)?;
        if response["accepted"].as_u64() != Some((steps * series.count) as u64) {
            return Err(format!("the server rejected points: {response}").into());
        }
    }
    Ok(())
}
