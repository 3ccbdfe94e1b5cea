//! Curves as trainings send them: how fast they arrive in columns, and the disk that they take at rest.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mlbench_core::Timestamp;

use crate::client::{Connection, get, request};
use crate::data::{BEGIN, Random};
use crate::databases::come_to_rest;
use crate::error::Result;
use crate::load::{Samples, sequential};
use crate::options::Options;
use crate::report::Measurement;
use crate::server::{JSON, Server};

/// Series of each kind of curve, whose points arrive in turns.
pub(super) const SERIES: usize = 10;
/// Points of one series in a request.
const STEPS: usize = 1_000;
/// Microseconds between two points of a series, before the jitter.
const INTERVAL: i64 = 100_000;
/// Points of the huge database, and how many of them are made at a time.
const HUGE: usize = 100_000_000;
const HUGE_PART: usize = 1_000_000;
/// Series of the run that is read as a whole.
const MANY: usize = 1_000;

/// A kind of values.
struct Kind {
    what: &'static str,
    /// The most bytes of a point at rest.
    most: f64,
    value: fn(&mut Random, usize) -> f64,
}

#[expect(clippy::cast_possible_truncation, reason = "a loss of a training in single precision")]
const KINDS: [Kind; 3] = [
    Kind {
        what: "losses that were f32, with steps",
        most: 5.0,
        value: |random, step| f64::from((2.0 / (1.0 + step as f64 / 5_000.0) + random.next() * 0.1) as f32),
    },
    Kind {
        what: "counters of pods",
        most: 3.5,
        value: |random, step| ((step as f64 * 10.0 + random.next() * 5.0).round()) / 100.0,
    },
    Kind { what: "values with random digits", most: 9.0, value: |random, _| random.next() },
];

/// Points of all series of a kind by step: their date in microseconds and their value.
pub(super) struct Points(Vec<[(i64, f64); SERIES]>);

impl Points {
    /// Creates the losses of the first steps of a training.
    pub(super) fn losses(steps: usize) -> Self {
        Self::new(&KINDS[0], 0, steps)
    }

    /// Returns the series, the step, the date in microseconds and the value of each point.
    pub(super) fn each(&self) -> impl Iterator<Item = (usize, usize, i64, f64)> {
        let row = |(step, row): (usize, &[(i64, f64); SERIES])| {
            let row = *row;
            (0..SERIES).map(move |series| (series, step, row[series].0, row[series].1))
        };
        self.0.iter().enumerate().flat_map(row)
    }

    /// Creates the points of `steps` steps from `first` on.
    fn new(kind: &Kind, first: usize, steps: usize) -> Self {
        let mut random = Random::new((first + steps) as u64);
        let row = |step: usize| {
            std::array::from_fn(|_| {
                #[expect(clippy::cast_possible_truncation, reason = "below 6,000")]
                let jitter = (random.next() * 6_000.0) as i64 - 3_000;
                let date = BEGIN + INTERVAL * i64::try_from(step).unwrap_or(0) + jitter;
                (date, (kind.value)(&mut random, step))
            })
        };
        Self((first..first + steps).map(row).collect())
    }

    /// Returns batches in columns, each of some steps of all series, for points whose first step is `first`.
    fn bodies(&self, run: u64, first: usize) -> Vec<Vec<u8>> {
        let body = |(number, rows): (usize, &[[(i64, f64); SERIES]])| {
            let mut text = String::from("[");
            for series in 0..SERIES {
                let column = |value: &dyn Fn(usize) -> String| {
                    (0..rows.len()).map(value).collect::<Vec<_>>().join(",")
                };
                let steps = column(&|at| (first + number * STEPS + at).to_string());
                let dates = column(&|at| {
                    format!("\"{}\"", Timestamp::from_micros(rows[at][series].0).to_text().as_str())
                });
                let values = column(&|at| rows[at][series].1.to_string());
                let before = if series == 0 { "" } else { "," };
                // Writing into memory does not fail.
                let _ = write!(
                    text,
                    r#"{before}{{"run_id":{run},"name":"curve @ {series}","step":[{steps}],"date":[{dates}],"value":[{values}]}}"#
                );
            }
            (text + "]").into_bytes()
        };
        self.0.chunks(STEPS).enumerate().map(body).collect()
    }

    /// Returns the points as Prometheus reads them, with dates in milliseconds and without steps.
    fn openmetrics(&self) -> String {
        let mut text = String::from("# TYPE curve gauge\n");
        for series in 0..SERIES {
            for row in &self.0 {
                let (date, value) = row[series];
                let (seconds, millis) = (date / 1_000_000, date / 1_000 % 1_000);
                let _ = writeln!(text, "curve{{rank=\"{series}\"}} {value} {seconds}.{millis:03}");
            }
        }
        text + "# EOF\n"
    }
}

/// Measures every kind of curve on a database of its own, then reads many series at once.
pub(crate) async fn curves(options: &Options, folder: &Path) -> Result<Vec<Measurement>> {
    let steps = if options.quick { 20_000 } else { 100_000 };
    let mut measurements = Vec::new();
    for (number, kind) in KINDS.iter().enumerate() {
        let database = folder.join(format!("curves-{number}.db"));
        let points = Points::new(kind, 0, steps);
        let (rate, bytes) = arrive_and_rest(options, &database, &points).await?;
        let per_point = bytes / (steps * SERIES) as f64;
        let disk = Measurement::new("curves", format!("disk, {}", kind.what), per_point, "bytes/point");
        let disk = match prometheus(folder, &points)? {
            Some(bytes) => disk.limit("Prometheus, no steps, dates in ms", bytes / (steps * SERIES) as f64),
            None => disk,
        };
        measurements.push(disk.at_most(kind.most));
        if number == 0 {
            let what = "batches of 10,000 points in columns";
            measurements.push(Measurement::new("curves", what, rate, "points/s").at_least(2_000_000.0));
        }
    }
    measurements.push(many_series(options, folder).await?);
    Ok(measurements)
}

/// Returns points per second, and the bytes of the database when its points are at rest.
async fn arrive_and_rest(options: &Options, database: &Path, points: &Points) -> Result<(f64, f64)> {
    let server = Server::start(&options.server, database).await?;
    let run = server.ended_run("true").await?;
    let posts = posts(points, run, 0);
    let begin = Instant::now();
    send(&server, &posts).await?;
    let rate = (points.0.len() * SERIES) as f64 / begin.elapsed().as_secs_f64();
    come_to_rest(&server).await?;
    server.stop()?;
    Ok((rate, fs::metadata(database)?.len() as f64))
}

/// Measures the disk and the start of a database with a hundred million points of the first kind.
pub(crate) async fn huge(options: &Options, folder: &Path) -> Result<Vec<Measurement>> {
    let database = folder.join("huge.db");
    let mut server = Server::start(&options.server, &database).await?;
    let run = server.ended_run("true").await?;
    let mut sending = Duration::ZERO;
    let steps = HUGE_PART / SERIES;
    for part in 0..HUGE / HUGE_PART {
        let first = part * steps;
        let posts = posts(&Points::new(&KINDS[0], first, steps), run, first);
        let begin = Instant::now();
        send(&server, &posts).await?;
        sending += begin.elapsed();
    }
    come_to_rest(&server).await?;
    server.stop()?;
    let megabytes = fs::metadata(&database)?.len() as f64 / 1e6;
    server = Server::start(&options.server, &database).await?;
    let ready = server.ready_after.as_secs_f64() * 1e3;
    server.stop()?;
    fs::remove_file(&database)?;
    Ok(vec![
        Measurement::new("huge", "disk", megabytes, "MB").at_most(600.0),
        Measurement::new("huge", "from start to ready", ready, "ms").at_most(100.0),
        Measurement::new(
            "huge",
            "batches of 10,000 points in columns, while sealing",
            HUGE as f64 / sending.as_secs_f64(),
            "points/s",
        ),
    ])
}

/// Sends all points in batches.
pub(super) async fn post_all(server: &Server, run: u64, points: &Points) -> Result<()> {
    send(server, &posts(points, run, 0)).await
}

fn posts(points: &Points, run: u64, first: usize) -> Vec<Vec<u8>> {
    points.bodies(run, first).iter().map(|body| post(body)).collect()
}

async fn send(server: &Server, posts: &[Vec<u8>]) -> Result<()> {
    let mut connection = server.connect().await?;
    for post in posts {
        accepted(&mut connection, post, STEPS * SERIES).await?;
    }
    Ok(())
}

fn post(body: &[u8]) -> Vec<u8> {
    request("POST", "/api/metrics/batch/", JSON, body)
}

async fn accepted(connection: &mut Connection, post: &[u8], count: usize) -> Result<()> {
    let response: serde_json::Value = serde_json::from_slice(&connection.body(post).await?)?;
    match response["accepted"].as_u64() == Some(count as u64) {
        true => Ok(()),
        false => Err(format!("the server rejected points: {response}").into()),
    }
}

/// Returns the bytes of the blocks that Prometheus makes of the same points, where `promtool` is installed.
fn prometheus(folder: &Path, points: &Points) -> Result<Option<f64>> {
    let (input, blocks) = (folder.join("curve.txt"), folder.join("blocks"));
    fs::write(&input, points.openmetrics())?;
    let _ = fs::remove_dir_all(&blocks);
    let made = Command::new("promtool")
        .args(["tsdb", "create-blocks-from", "openmetrics"])
        .args([&input, &blocks])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match made {
        Ok(status) if status.success() => Ok(Some(size_of_folder(&blocks)?)),
        Ok(status) => Err(format!("promtool ended with {status}").into()),
        Err(_) => Ok(None),
    }
}

fn size_of_folder(folder: &Path) -> Result<f64> {
    let mut bytes = 0.0;
    for entry in fs::read_dir(folder)? {
        let (entry, path) = (entry.as_ref(), entry.as_ref().map(fs::DirEntry::path));
        let (Ok(entry), Ok(path)) = (entry, path) else { continue };
        bytes +=
            if entry.file_type()?.is_dir() { size_of_folder(&path)? } else { entry.metadata()?.len() as f64 };
    }
    Ok(bytes)
}

/// Reads 500 buckets of each of a thousand series.
async fn many_series(options: &Options, folder: &Path) -> Result<Measurement> {
    let database = folder.join("many-series.db");
    let (count, steps) = if options.quick { (MANY / 10, 10_000) } else { (MANY, 10_000) };
    let server = Server::start(&options.server, &database).await?;
    let run = server.ended_run("true").await?;
    let mut connection = server.connect().await?;
    let mut random = Random::new(7);
    for series in 0..count {
        let column =
            |value: &mut dyn FnMut(usize) -> String| (0..steps).map(value).collect::<Vec<_>>().join(",");
        let dates = column(&mut |at| {
            let micros = BEGIN + INTERVAL * i64::try_from(at).unwrap_or(0);
            format!("\"{}\"", Timestamp::from_micros(micros).to_text().as_str())
        });
        let values = column(&mut |_| random.next().to_string());
        let body =
            format!(r#"{{"run_id":{run},"name":"curve {series}","date":[{dates}],"value":[{values}]}}"#);
        accepted(&mut connection, &post(body.as_bytes()), steps).await?;
    }
    come_to_rest(&server).await?;
    let read = get(&format!("/api/metrics/{run}/?metric_type=run&downsample=minmax&points=500"));
    let reads: Samples = sequential(server.address(), &[read], 5).await?;
    server.stop()?;
    let what = format!("{count} series of 10,000 points into 500 minmax buckets each");
    let most = if options.quick { 30.0 } else { 300.0 };
    Ok(Measurement::new("curves", what, reads.percentile(50.0), "ms").at_most(most))
}
