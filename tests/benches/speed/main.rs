//! Measures the speed of the server, and the limit of each measurement in the same run: `cargo xtask bench`.
//!
//! ```text
//! options       the command line                     machine       the machine it runs on
//! databases     what the servers start with          data          the points that are sent
//! client, load  prepared requests, and timing them   server        the release binary, as a separate process
//! bare          the limits: SQLite alone             measurements  what is measured, and how
//! report        the table and the JSON
//! ```

mod bare;
mod client;
mod data;
mod databases;
mod error;
mod load;
mod machine;
mod measurements;
mod options;
mod report;
mod server;

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use bare::multiply_runs;
use databases::{Database, SMALL_POINTS, enlarge, prepare_small};
use error::Result;
use machine::Machine;
use measurements::{Bench, comparison, curves, edges, footprint, logging, mlflow, page, writing};
use options::Options;
use report::Report;
use server::Server;

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
    if options.wants("edges") {
        eprintln!("measuring requests whose cost would hide in a page");
        report.add_result("edges", "edges", edges::edges(&options, folder.path()).await);
    }
    if options.wants("curves") {
        eprintln!("measuring curves");
        report.add_result("curves", "curves", curves::curves(&options, folder.path()).await);
    }
    if options.wants("huge") && !options.quick {
        eprintln!("measuring a database of 100 M points");
        report.add_result("100 M points", "huge", curves::huge(&options, folder.path()).await);
    }
    if options.wants("mlflow") {
        eprintln!("measuring MLflow beside the server");
        report.add_result("beside MLflow", "mlflow", mlflow::mlflow(&options, folder.path()).await);
    }
    if options.wants("compare") {
        let compared = comparison::compare(&options, folder.path()).await;
        report.add_result("comparison", "compare", compared);
    }
    if options.wants("page") {
        eprintln!("measuring the page in a browser");
        report.add_result("page", "page", page::page(&options, folder.path()).await);
    }
    if options.wants("log") {
        eprintln!("measuring the logger of metrics");
        report.add_result("logger", "log", logging::logging(&options, folder.path()).await);
    }
    if !options.wants_only(&["edges", "curves", "huge", "mlflow", "compare", "page", "log"]) {
        measure_databases(&options, &mut report, folder.path()).await?;
    }
    let file = options.out.join("speed.json");
    fs::write(&file, serde_json::to_string_pretty(&report.to_json())?)?;
    println!("{}\nresults are in {}", report.to_table(), file.display());
    match report.failures.len() {
        0 => Ok(()),
        failed => Err(format!("{failed} measurements failed; the table names them").into()),
    }
}

/// Measures an empty, a small and a large database.
async fn measure_databases(options: &Options, report: &mut Report, folder: &Path) -> Result<()> {
    eprintln!("measuring an empty database");
    report.add("empty", footprint::empty(options, folder).await?);
    let (small, large) = (folder.join("small.db"), folder.join("large.db"));
    let runs = prepare_small(options, &small).await?;
    fs::copy(&small, &large)?;
    let small = Database { label: "1 M points", path: small, runs, points: SMALL_POINTS };
    measure(options, report, &small).await?;
    let (label, points) = if options.quick { ("2 M points", 1_000_000) } else { ("10 M points", 9_000_000) };
    let rate = enlarge(options, &large, runs, points).await?;
    report.add(label, vec![writing::import_rate(rate)]);
    let large = Database { label, path: large, runs, points: SMALL_POINTS + points };
    measure(options, report, &large).await
}

async fn measure(options: &Options, report: &mut Report, database: &Database) -> Result<()> {
    let Database { label, path, runs, .. } = database;
    eprintln!("measuring the database of {label}");
    report.add(label, footprint::stored(options, database).await?);
    let server = Server::start(&options.server, path).await?;
    let (runs, step) = (*runs, Cell::new(0));
    let mut bench = Bench { options, server, database: path, runs, step, max_per_second: None };
    bench.measure(|name, measurements| report.add_result(label, name, measurements)).await;
    let before_lists = bench.server.pss()?;
    for many in [1_000, 10_000] {
        if options.wants("runs") {
            multiply_runs(path, runs.short.run, many)?;
            report.add_result(label, "runs", bench.list_of_runs(many).await);
        }
    }
    report.add(label, bench.memory_afterwards(before_lists)?);
    bench.server.stop()
}
