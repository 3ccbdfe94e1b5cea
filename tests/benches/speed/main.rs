//! Every figure of the server's speed beside its limit, measured in the same run: `cargo xtask bench`.
//!
//! ```text
//! client load   requests over kept connections, made beforehand    data      what they carry
//! server        the release binary, a process of its own           machine   what it runs on
//! bare          the limits: the same work by SQLite alone          report    the table and the JSON
//! figures       what is measured, and how
//! ```

mod bare;
mod client;
mod data;
mod figures;
mod load;
mod machine;
mod report;
mod server;

use std::cell::Cell;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use bare::multiply_runs;
use client::request;
use data::Series;
use figures::{Bench, standing, writing};
use machine::Machine;
use report::Report;
use server::Server;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What is measured, and how long.
#[derive(Debug)]
pub(crate) struct Options {
    /// The server's binary.
    server: PathBuf,
    /// Where databases and results are put.
    out: PathBuf,
    quick: bool,
    only: Vec<String>,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self> {
        let mut options =
            Self { server: PathBuf::new(), out: PathBuf::new(), quick: false, only: Vec::new() };
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--server" => options.server = value()?.into(),
                "--out" => options.out = value()?.into(),
                "--only" => options.only.push(value()?),
                "--quick" => options.quick = true,
                // Cargo says so to every program that it runs as a benchmark.
                "--bench" => {}
                _ => return Err(format!("{arg}: no such option; see cargo xtask help").into()),
            }
        }
        if let Some(name) = options.only.iter().find(|name| !figures::NAMES.contains(&name.as_str())) {
            return Err(format!("--only {name}: not one of {}", figures::NAMES.join(", ")).into());
        }
        Ok(options)
    }

    /// Whether a figure is to be measured.
    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }

    /// How long a load lasts.
    fn time(&self) -> Duration {
        Duration::from_secs(if self.quick { 1 } else { 4 })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    fs::create_dir_all(&options.out)?;
    let folder = tempfile::Builder::new().prefix("databases-").tempdir_in(&options.out)?;
    let mut report = Report::new(Machine::measure(folder.path())?, options.quick)?;
    eprintln!("an empty database");
    report.add("empty", standing::empty(&options, folder.path()).await?);
    let (small, large) = (folder.path().join("small.db"), folder.path().join("large.db"));
    let runs = prepare_small(&options, &small).await?;
    fs::copy(&small, &large)?;
    let small = Subject { label: "1 M points", database: small, runs, points: SMALL_POINTS };
    measure(&options, &mut report, &small).await?;
    let (label, points) = if options.quick { ("2 M points", 1_000_000) } else { ("10 M points", 9_000_000) };
    let rate = enlarge(&options, &large, runs, points).await?;
    report.add(label, vec![writing::import_rate(rate)]);
    let large = Subject { label, database: large, runs, points: SMALL_POINTS + points };
    measure(&options, &mut report, &large).await?;
    let file = options.out.join("speed.json");
    fs::write(&file, serde_json::to_string_pretty(&report.to_json())?)?;
    println!("{}\nwritten to {}", report.to_table(), file.display());
    Ok(())
}

/// The runs that metrics are stored for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Runs {
    /// 10 series of 10,000 points.
    short: Series,
    /// One series of a million points.
    long: Series,
    /// 100 series: 1,000 points each in the small database, 91,000 in the large one.
    wide: Series,
    /// What is written while it is measured.
    fresh: Series,
}

/// A database to measure on.
#[derive(Debug)]
pub(crate) struct Subject {
    label: &'static str,
    database: PathBuf,
    runs: Runs,
    /// How many points are in it.
    points: usize,
}

/// Steps of the wide run in the small database.
const WIDE_STEPS: usize = 1_000;
const SMALL_POINTS: usize = 10 * 10_000 + 1_000_000 + 100 * WIDE_STEPS;

async fn prepare_small(options: &Options, database: &Path) -> Result<Runs> {
    eprintln!("preparing the small database");
    let server = Server::start(&options.server, database).await?;
    let series = async |count| Ok::<_, Box<dyn Error>>(Series { run: server.ended_run().await?, count });
    let runs = Runs {
        short: series(10).await?,
        long: series(1).await?,
        wide: series(100).await?,
        fresh: series(10).await?,
    };
    import(&server, runs.short, 0, 10_000).await?;
    import(&server, runs.long, 0, 1_000_000).await?;
    import(&server, runs.wide, 0, WIDE_STEPS).await?;
    server.stop()?;
    Ok(runs)
}

/// Adds points to the wide run; how many a second.
async fn enlarge(options: &Options, database: &Path, runs: Runs, points: usize) -> Result<f64> {
    eprintln!("preparing the large database");
    let server = Server::start(&options.server, database).await?;
    let begin = Instant::now();
    import(&server, runs.wide, WIDE_STEPS, points / runs.wide.count).await?;
    let rate = points as f64 / begin.elapsed().as_secs_f64();
    server.stop()?;
    Ok(rate)
}

/// Stores points through the server, as lines, a million a request.
async fn import(server: &Server, series: Series, first: usize, steps: usize) -> Result<()> {
    let mut connection = server.connect().await?;
    let steps_each = (1_000_000 / series.count).max(1);
    for begin in (first..first + steps).step_by(steps_each) {
        let steps = steps_each.min(first + steps - begin);
        let body = series.lines(begin, steps);
        let request = request("POST", "/api/metrics/batch/", "application/x-ndjson", &body);
        let answer: serde_json::Value = serde_json::from_slice(&connection.body(&request).await?)?;
        if answer["accepted"].as_u64() != Some((steps * series.count) as u64) {
            return Err(format!("not all points were taken: {answer}").into());
        }
    }
    Ok(())
}

async fn measure(options: &Options, report: &mut Report, subject: &Subject) -> Result<()> {
    let Subject { label, database, runs, .. } = subject;
    eprintln!("the database of {label}");
    report.add(label, standing::stored(options, subject).await?);
    let server = Server::start(&options.server, database).await?;
    let (runs, step) = (*runs, Cell::new(0));
    let mut bench = Bench { options, server, database, runs, step, most_per_second: None };
    bench.measure(|name, figures| report.outcome(label, name, figures)).await;
    let before_lists = bench.server.pss()?;
    for many in [1_000, 10_000] {
        if options.wants("runs") {
            multiply_runs(database, runs.short.run, many)?;
            report.outcome(label, "runs", bench.list_of_runs(many).await);
        }
    }
    report.add(label, bench.memory_afterwards(before_lists)?);
    bench.server.stop()
}
