//! `mlbench`: runs, metrics and pods of an mlbench server, from the command line.

mod args;
mod benchmarks;
mod commands;
mod failure;
mod output;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use failure::Failure;

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads the output has seen enough.
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            output::say(format_args!("mlbench: {failure}"));
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    // A benchmark computes on this thread and brings its own runtime for what it reports.
    if let Command::Benchmark(args) = &cli.command {
        return Ok(benchmarks::run(args, &mut std::io::stdout())?);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::select! {
            result = commands::run(cli) => result,
            _ = tokio::signal::ctrl_c() => Err(Failure::Interrupted),
        }
    })
}
