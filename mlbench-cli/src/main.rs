//! mlbench-cli
mod benchmarks;

use clap::Parser;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Benchmark(benchmarks::Args),
}

fn main() -> std::process::ExitCode {
    let Command::Benchmark(args) = Cli::parse().command;
    match benchmarks::run(&args, &mut std::io::stdout()) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mlbench: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}
