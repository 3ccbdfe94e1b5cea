//! The page in a real Chromium: how soon what a user wants to see is on the screen.

use std::fmt::Write as _;
use std::path::Path;

use serde::Deserialize;
use serde_json::json;

use super::edges::post_lines;
use crate::data::Series;
use crate::databases::{COMPARED_SERIES, COMPARED_STEPS, import, prepare_compared};
use crate::error::Result;
use crate::options::Options;
use crate::report::Measurement;
use crate::server::Server;

/// Metrics of the run with many.
const METRICS: u32 = 5_000;
/// Points of the run with a long series.
const LONG: usize = 1_000_000;

/// What `browser/bench/main.mjs` measures, with times in milliseconds.
#[derive(Debug, Deserialize)]
struct Results {
    bare: Frames,
    frames: Frames,
    few: First,
    compared: First,
    metrics: First,
    million: First,
    zoom: f64,
    compared_zoom: f64,
    live: Live,
    foreign: f64,
}

/// Frames of a chart that changes ten times a second.
#[derive(Debug, Deserialize)]
struct Frames {
    fps: f64,
    p99: f64,
    #[serde(rename = "longTasks")]
    long_tasks: f64,
}

/// From the address of a page to its first chart, and how many charts it has built by then.
#[derive(Debug, Deserialize)]
struct First {
    ms: f64,
    charts: f64,
}

/// From a post to the screen, and what the page received for it.
#[derive(Debug, Deserialize)]
struct Live {
    p50: f64,
    p95: f64,
    bytes: f64,
    requests: f64,
}

/// Measures the page of a server whose database has long, many and compared series.
pub(crate) async fn page(options: &Options, folder: &Path) -> Result<Vec<Measurement>> {
    let Some(chromium) = mlbench_tests::tools::chromium() else { return Ok(Vec::new()) };
    let (database, compared) = prepare_compared(options, folder).await?;
    let server = Server::start(&options.server, &database).await?;
    let long = server.ended_run("true").await?;
    import(&server, Series { run: long, count: 1, names: &[] }, 0, LONG).await?;
    let many = server.ended_run("true").await?;
    post_lines(&server, &many_metrics(many)).await?;
    let live = server.ended_run("true").await?;
    import(&server, Series { run: live, count: 1, names: &[] }, 0, 100).await?;
    let setup = json!({
        "url": format!("http://{}", server.address()), "compared": compared, "long": long, "many": many,
        "live": live, "seconds": if options.quick { 2 } else { 10 }, "posts": if options.quick { 15 } else { 60 },
    });
    let results = mlbench_tests::measure_page(&setup, &chromium).await?;
    server.stop()?;
    Ok(measurements(&serde_json::from_str(&results)?, compared))
}

/// Returns points of a run that has many metrics.
fn many_metrics(run: u64) -> Vec<u8> {
    let mut lines = String::new();
    for value in 0..2 {
        for number in 0..METRICS {
            let _ = writeln!(lines, r#"{{"run_id":{run},"name":"layer_{number}_norm","value":{value}}}"#);
        }
    }
    lines.into_bytes()
}

fn measurements(results: &Results, compared: u64) -> Vec<Measurement> {
    let Results { bare, frames, few, compared: all, metrics, million, zoom, compared_zoom, live, foreign } =
        results;
    let new = |what: &str, value, unit| Measurement::new("page", what, value, unit);
    let what = format!(
        "{compared} runs × {COMPARED_SERIES} metrics × {COMPARED_STEPS} points compared: first chart"
    );
    vec![
        new("point posted to pixels, p95", live.p95, "ms").note("p50 ms", live.p50).at_most(250.0),
        new("page receives per posted point", live.bytes, "bytes")
            .note("requests of the page", live.requests)
            .at_most(1_000.0)
            .note_below("requests of the page", 1.0),
        new("50 series × 1,000 points live at 10 Hz", frames.fps, "frames/s")
            .limit("a bare canvas", bare.fps)
            .note("p99 frame ms", frames.p99)
            .note("long tasks", frames.long_tasks)
            .note("p99 frame of the limit ms", bare.p99)
            .at_least(59.0)
            .note_below("p99 frame ms", 17.0)
            .note_below("long tasks", 1.0),
        new("first chart of 10 runs × 10,000 points, from the address", few.ms, "ms").at_most(300.0),
        new("first chart of 1 M points, from the address", million.ms, "ms").at_most(400.0),
        new("zoom into 1 M points, to the pixels of the detail", *zoom, "ms").at_most(150.0),
        new("zoom into the curves of 10 runs", *compared_zoom, "ms").at_most(150.0),
        new(&what, all.ms, "ms").note("charts built", all.charts).at_most(1_000.0),
        new("first chart of a run with 5,000 metrics", metrics.ms, "ms")
            .note("charts built", metrics.charts)
            .at_most(1_000.0),
        new("requests to other hosts", *foreign, "").at_most(0.0),
    ]
}
