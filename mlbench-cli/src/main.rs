//! `mlbench`: the command line of an mlbench server, and the built-in reference benchmarks.

mod args;
mod benchmarks;
mod commands;
mod failure;
mod interrupt;
mod output;

use std::process::ExitCode;

use args::{Cli, Command};
use failure::Failure;

fn main() -> ExitCode {
    match run(Cli::from_command_line()) {
        Ok(()) => ExitCode::SUCCESS,
        // A reader such as `head` has read enough.
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            output::eprint_last_message(format!("mlbench: {failure}"));
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    // A benchmark computes on this thread and starts a runtime of its own to post metrics.
    if let Command::Benchmark(args) = &cli.command {
        return Ok(benchmarks::run(args, &mut std::io::stdout())?);
    }
    interrupt::until_interrupted(async move || commands::run(&cli).await)
}
