//! `cargo xtask demo`: trains the built-in benchmark on 1, 2 and 4 workers and on real data.
//!
//! It uses only the two binaries, as a user would. The command line starts the runs, and every number in the table
//! comes from the API.

mod api;
mod mlbench;
mod runs;
mod scenario;
mod server;
mod table;
mod usage;

use std::collections::BTreeMap;
use std::process::ExitCode;

use api::Comparison;
use mlbench::Mlbench;
use runs::train;
use scenario::RUNS;
use server::Server;
use tokio::signal::unix::{SignalKind, signal};
use usage::Usage;

use crate::{dashboard, repo};

/// Builds the binaries, runs the demo, and stops all that it started, also on Ctrl-C.
pub(crate) fn run(args: &[String]) -> Result<ExitCode, String> {
    let keep = match args {
        [] => false,
        [flag] if flag == "--keep" => true,
        _ => {
            return Err(format!("cargo xtask demo {}: unknown option; see cargo xtask help", args.join(" ")));
        }
    };
    dashboard::build_for_server();
    repo::build_dev()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("cannot start the tokio runtime: {error}"))?;
    runtime.block_on(demo(keep))?;
    Ok(ExitCode::SUCCESS)
}

async fn demo(keep: bool) -> Result<(), String> {
    let mut server = Server::start(repo::target_dir().join("debug")).await?;
    let mlbench = server.mlbench();
    println!("page on {}/runs, database in {}\n", mlbench.url, server.folder().display());
    let outcome = tokio::select! {
        outcome = show(&mlbench) => outcome,
        name = interrupted() => Err(format!("{name}: the demo was stopped")),
        why = server.exited() => Err(why),
    };
    match outcome {
        Ok(ids) if keep => server.keep_running(&ids.join(",")),
        outcome => {
            server.stop().await?;
            outcome?;
        }
    }
    Ok(())
}

/// Trains and prints the results, and returns the ids of the runs.
async fn show(mlbench: &Mlbench) -> Result<Vec<String>, String> {
    let mut used: BTreeMap<u64, Usage> = BTreeMap::new();
    for run in RUNS {
        let (id, usage) = train(mlbench, run).await?;
        used.insert(id, usage);
    }
    let ids: Vec<String> = used.keys().map(ToString::to_string).collect();
    let command: Vec<&str> = ["runs", "compare"].into_iter().chain(ids.iter().map(String::as_str)).collect();
    let comparison: Comparison = mlbench.json(&command).await?;
    println!("{}", table::render(&comparison, &used)?);
    Ok(ids)
}

/// Completes with the name of the signal that interrupts the demo.
async fn interrupted() -> &'static str {
    let listen = |kind| signal(kind).ok();
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt()), listen(SignalKind::terminate()));
    tokio::select! {
        Some(()) = async { interrupt.as_mut()?.recv().await } => "Ctrl-C",
        Some(()) = async { terminate.as_mut()?.recv().await } => "SIGTERM",
        else => std::future::pending().await,
    }
}
