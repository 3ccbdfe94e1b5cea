//! `cargo xtask demo`: the built-in benchmark on 1, 2 and 4 workers and on real data, measured and read back.
//!
//! Everything goes through the two binaries, as a user would do it: runs are started by the command line, and every
//! figure of the table is what the API says afterwards.

mod figures;
mod mlbench;
mod runs;
mod server;
mod table;

use std::process::ExitCode;

use figures::Figures;
use mlbench::Mlbench;
use runs::{RUNS, train};
use server::Server;
use tokio::signal::unix::{SignalKind, signal};

use crate::repo;

/// Builds, runs the demo, and ends everything that it started, also on Ctrl-C.
pub(crate) fn run(args: &[String]) -> Result<ExitCode, String> {
    let keep = match args {
        [] => false,
        [flag] if flag == "--keep" => true,
        _ => {
            return Err(format!("cargo xtask demo {}: no such option; see cargo xtask help", args.join(" ")));
        }
    };
    println!("building in release mode …");
    let built =
        repo::cargo(&["build", "--release", "--bins", "-p", "mlbench-server", "-p", "mlbench-cli"]).status();
    if !built.map_err(|error| format!("cannot run cargo: {error}"))?.success() {
        return Err("the build failed".to_owned());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("cannot start: {error}"))?;
    runtime.block_on(demo(keep))?;
    Ok(ExitCode::SUCCESS)
}

async fn demo(keep: bool) -> Result<(), String> {
    let mut server = Server::start(repo::target_dir().join("release")).await?;
    let mlbench = server.mlbench();
    println!("server on {}, database in {}\n", mlbench.url, server.folder().display());
    let outcome = tokio::select! {
        outcome = show(&mlbench) => outcome,
        name = interrupted() => Err(format!("{name}: the demo was ended early")),
        why = server.ended() => Err(why),
    };
    if keep && outcome.is_ok() {
        server.leave();
    } else {
        server.stop().await?;
    }
    outcome
}

async fn show(mlbench: &Mlbench) -> Result<(), String> {
    let mut measured: Vec<Figures> = Vec::new();
    for run in RUNS {
        measured.push(train(mlbench, run).await?);
    }
    println!("{}", table::render(&measured, cores()));
    Ok(())
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Completes with the name of the signal that asks for the end.
async fn interrupted() -> &'static str {
    let listen = |kind| signal(kind).ok();
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt()), listen(SignalKind::terminate()));
    tokio::select! {
        Some(()) = async { interrupt.as_mut()?.recv().await } => "Ctrl-C",
        Some(()) = async { terminate.as_mut()?.recv().await } => "SIGTERM",
        else => std::future::pending().await,
    }
}
