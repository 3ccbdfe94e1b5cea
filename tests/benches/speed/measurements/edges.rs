//! Requests whose cost would hide in one page: many series, late points, long output, colliding names.

use std::path::Path;
use std::time::Instant;

use crate::bare::newest_arrival;
use crate::client::{get, request};
use crate::data::Series;
use crate::error::Result;
use crate::load::{Samples, sequential};
use crate::options::Options;
use crate::report::Measurement;
use crate::server::Server;

/// Series of the run with many.
const SERIES: usize = 100_000;
/// Points that arrive after one with a later date.
const LATE: usize = 200_000;
/// Points by which the cursor is behind.
const BEHIND: u64 = 1_100;
/// Lines of the run with much output.
const LINES: usize = 100_000;
/// Names that become the same file name.
const NAMES: u32 = 4_096;
/// Fields of the form.
const FIELDS: usize = 500_000;
const ROUNDS: usize = 5;

/// Measures a server with a database of its own in `folder`.
pub(crate) async fn edges(options: &Options, folder: &Path) -> Result<Vec<Measurement>> {
    let database = folder.join("edges.db");
    let server = Server::start(&options.server, &database).await?;
    let many = Series { run: server.ended_run("true").await?, count: SERIES, names: &[] };
    let mut measurements = many_series(&server, many).await?;
    // What the server has in memory does not come from the posts.
    server.stop()?;
    let server = Server::start(&options.server, &database).await?;
    measurements.extend(old_cursors(&server, &database, many).await?);
    measurements.push(late_points(&server, &database).await?);
    measurements.push(output(&server).await?);
    measurements.push(names(&server).await?);
    measurements.push(form(&server).await?);
    server.stop()?;
    Ok(measurements)
}

/// Times a request, and notes how much memory the server takes for it.
async fn timed(server: &Server, what: &str, request: Vec<u8>) -> Result<Measurement> {
    sequential(server.address(), std::slice::from_ref(&request), 1).await?;
    let before = server.reset_peak()?;
    let samples = sequential(server.address(), &[request], ROUNDS).await?;
    let growth = server.peak()? - before;
    let measurement = Measurement::new("edges", what, samples.percentile(50.0), "ms");
    Ok(measurement.note("slowest ms", samples.percentile(100.0)).note("memory grows MiB", growth))
}

/// Lists many series, and reads dates in which none of them has a point.
async fn many_series(server: &Server, many: Series) -> Result<Vec<Measurement>> {
    for step in [0, 1_000_000] {
        post_lines(server, &many.lines(step, 1)).await?;
    }
    let run = many.run;
    let mut list = get(&format!("/api/runs/{run}/series/"));
    list.truncate(list.len() - 2);
    list.extend_from_slice(b"Accept-Encoding: gzip\r\n\r\n");
    let path =
        format!("/api/metrics/{run}/?metric_type=run&since=2026-01-01T01:00:00Z&until=2026-01-01T02:00:00Z");
    let (list, nothing) = (
        timed(server, "statistics of 100,000 series, gzip", list).await?,
        timed(server, "100,000 series without a point in the dates", get(&path)).await?,
    );
    Ok(vec![
        list.at_most(600.0).note_below("memory grows MiB", 8.0),
        nothing.at_most(1_000.0).note_below("memory grows MiB", 8.0),
    ])
}

/// Reads what is new of one series, and of half of them, after cursors from before the server was started.
async fn old_cursors(server: &Server, database: &Path, many: Series) -> Result<Vec<Measurement>> {
    let read = |cursor: u64, since: &str| {
        get(&format!("/api/metrics/{}/?metric_type=run&cursor={cursor}&since={since}", many.run))
    };
    let newest = newest_arrival(database)?;
    post_lines(server, &Series { count: 1, ..many }.lines(2_000_000, 1)).await?;
    let half = read(newest - SERIES as u64 / 2, "2027-01-01T00:00:00Z");
    let (half, one) = (
        timed(server, "cursor before 50,000 of 100,000 series, nothing new in the dates", half).await?,
        timed(server, "cursor before one point of 100,000 series", read(newest, "2026-01-01T00:00:00Z"))
            .await?,
    );
    Ok(vec![half.at_most(1_000.0).note_below("memory grows MiB", 8.0), one.at_most(5.0)])
}

/// Reads what arrived last among many points that arrived out of order.
async fn late_points(server: &Server, database: &Path) -> Result<Measurement> {
    let late = Series { run: server.ended_run("true").await?, count: 1, names: &[] };
    post_lines(server, &late.lines(LATE, 1)).await?;
    post_lines(server, &late.lines(0, LATE)).await?;
    let cursor = newest_arrival(database)?.saturating_sub(BEHIND);
    let path =
        format!("/api/metrics/{}/?metric_type=run&cursor={cursor}&since=2027-01-01T00:00:00Z", late.run);
    let what = "cursor 1,100 behind in 200,000 late points, nothing new in the dates";
    Ok(timed(server, what, get(&path)).await?.at_most(20.0))
}

/// Reads one page and one line of a long output.
async fn output(server: &Server) -> Result<Measurement> {
    let run = server.ended_run(&format!("seq {LINES}")).await?;
    let path = format!("/api/runs/{run}/?logs=501");
    Ok(timed(server, "logs=501 of 100,000 lines", get(&path)).await?.at_most(10.0))
}

/// Downloads an archive in which all files would have the same name.
async fn names(server: &Server) -> Result<Measurement> {
    let run = server.ended_run("true").await?;
    let lines: String = (0..NAMES)
        .map(|bits| {
            let name: String = (0..12).map(|bit| if bits >> bit & 1 == 0 { "a_" } else { "a/" }).collect();
            format!("{{\"run_id\":{run},\"name\":\"{name}\",\"value\":1}}\n")
        })
        .collect();
    post_lines(server, lines.as_bytes()).await?;
    let path = format!("/api/metrics/{run}/?metric_type=run&format=zip");
    Ok(timed(server, "zip of 4,096 names that collide", get(&path)).await?.at_most(500.0))
}

/// Sends a form of empty fields, which the server refuses.
async fn form(server: &Server) -> Result<Measurement> {
    let body = "=&".repeat(FIELDS);
    let request = request("POST", "/api/runs/", "application/x-www-form-urlencoded", body.as_bytes());
    let before = server.reset_peak()?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let mut connection = server.connect().await?;
        let sent = Instant::now();
        let status = connection.send(&request, None).await?;
        times.push(sent.elapsed());
        if status != 400 {
            return Err(format!("a form of empty fields got status {status}").into());
        }
    }
    let samples = Samples::new(times);
    let measurement =
        Measurement::new("edges", "form of 500,000 empty fields", samples.percentile(50.0), "ms");
    Ok(measurement.note("memory grows MiB", server.peak()? - before).at_most(20.0))
}

pub(super) async fn post_lines(server: &Server, lines: &[u8]) -> Result<()> {
    let request = request("POST", "/api/metrics/batch/", "application/x-ndjson", lines);
    let response: serde_json::Value = serde_json::from_slice(&server.connect().await?.body(&request).await?)?;
    if response["rejected_count"] != 0 {
        return Err(format!("the server rejected points: {response}").into());
    }
    Ok(())
}
