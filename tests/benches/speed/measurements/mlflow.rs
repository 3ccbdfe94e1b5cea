//! MLflow beside the server: the same points, stored and read by both.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde::Deserialize;

use super::curves::{Points, SERIES, post_all};
use crate::client::get;
use crate::databases::come_to_rest;
use crate::error::Result;
use crate::load::sequential;
use crate::options::Options;
use crate::report::Measurement;
use crate::server::Server;

/// Points of each series. With fewer, the usage of the workers would be more than a hundredth of all points.
const STEPS: usize = 10_000;

/// What `tests/python/mlflow_speed.py` prints: seconds and bytes.
#[derive(Debug, Deserialize)]
struct MlFlow {
    version: String,
    stored: f64,
    bytes: f64,
    read: f64,
}

/// Stores losses with steps in MLflow, where a Python has it, and in the server, and reads them.
pub(crate) async fn mlflow(options: &Options, folder: &Path) -> Result<Vec<Measurement>> {
    let Some(python) = mlbench_tests::tools::mlflow() else { return Ok(Vec::new()) };
    let (points, count) = (Points::losses(STEPS), (STEPS * SERIES) as f64);
    let other = other(&python, folder, &points)?;
    eprintln!("  MLflow {} stored the points in its SQLite database", other.version);

    let database = folder.join("beside-mlflow.db");
    let server = Server::start(&options.server, &database).await?;
    let run = server.ended_run("true").await?;
    server.stop()?;
    let before = fs::metadata(&database)?.len();
    let server = Server::start(&options.server, &database).await?;
    let begin = Instant::now();
    post_all(&server, run, &points).await?;
    let stored = begin.elapsed().as_secs_f64();
    come_to_rest(&server).await?;
    let read = get(&format!("/api/metrics/{run}/?metric_type=run&fields=date,value,step"));
    let reads = sequential(server.address(), &[read], 5).await?;
    server.stop()?;
    let bytes = fs::metadata(&database)?.len().saturating_sub(before) as f64;

    let name = "mlflow";
    let what = format!("read of {count} points with their steps");
    Ok(vec![
        Measurement::new(name, "points stored in batches", count / stored, "points/s")
            .limit("MLflow", count / other.stored)
            .percent_at_least(100.0),
        Measurement::new(name, "disk, losses that were f32, with steps", bytes / count, "bytes/point")
            .limit("MLflow", other.bytes / count)
            .times_at_most(1.0),
        Measurement::new(name, what, reads.percentile(50.0), "ms")
            .limit("MLflow", other.read * 1e3)
            .times_at_most(1.0),
    ])
}

fn other(python: &Path, folder: &Path, points: &Points) -> Result<MlFlow> {
    let (file, data) = (folder.join("mlflow.txt"), folder.join("mlflow"));
    let mut text = String::new();
    for (series, step, micros, value) in points.each() {
        writeln!(text, "curve-{series} {step} {} {value}", micros / 1_000)?;
    }
    fs::write(&file, text)?;
    fs::create_dir_all(&data)?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/mlflow_speed.py");
    let output = Command::new(python).arg(script).args([&file, &data]).output()?;
    if !output.status.success() {
        return Err(format!("MLflow failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let text = String::from_utf8(output.stdout)?;
    Ok(serde_json::from_str(text.lines().last().unwrap_or_default())?)
}
