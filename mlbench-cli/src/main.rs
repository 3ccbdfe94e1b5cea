//! `mlbench`: the command line of an mlbench server, and the built-in reference benchmarks.

mod args;
mod benchmarks;
mod candidates;
mod commands;
mod completion;
mod contexts;
mod error_report;
mod failure;
mod harmless;
mod interrupt;
mod man;
mod output;
mod server_error;
mod unknown_name;
mod version;

use std::process::ExitCode;
use std::time::Duration;

use args::{Cli, Command, PythonCommand, RunsCommand, UsageError};
use clap::error::ErrorKind;
use error_report::ErrorReport;
use failure::Failure;
use mlbench_core::quote::shorten_message;

/// How long an interrupted `mlbench log` or `mlbench import` may take to store what it has read.
const LOG_GRACE: Duration = Duration::from_secs(10);
/// How long an interrupted command may take to give the terminal back, or to say what goes on.
const SHORT_GRACE: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    completion::complete_for_shell();
    let cli = match Cli::from_command_line() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let wants_json = cli.wants_json();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        // A reader such as `head` has read enough.
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(Failure::Recorded { code }) => ExitCode::from(code),
        Err(failure) if wants_json => {
            output::eprint_json(&ErrorReport::of(&failure));
            ExitCode::from(failure.exit_code())
        }
        Err(failure) => {
            let message = failure.to_string();
            output::eprint_last_message(format!("mlbench: {}", shorten_message(&message)));
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Prints what is wrong with the command line, or the help that it asks for.
fn refuse(UsageError { error, wants_json, has_colour }: &UsageError) -> ExitCode {
    if !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        error.exit();
    }
    if *wants_json {
        output::eprint_json(&ErrorReport::of_usage(error));
    } else {
        let message = error.render();
        output::eprint_usage(&message.to_string(), &message.ansi().to_string(), *has_colour);
    }
    ExitCode::from(2)
}

fn run(cli: Cli) -> Result<(), Failure> {
    cli.screen().set();
    match &cli.command {
        // A benchmark computes on this thread and starts a runtime of its own to post metrics.
        Command::Benchmark(args) => return Ok(benchmarks::run(args, &mut std::io::stdout())?),
        Command::Completions(args) => {
            return Ok(completion::write_script(args.shell, &mut std::io::stdout())?);
        }
        Command::Man(args) => return man::write_pages(&args.dir),
        Command::Context(command) => return commands::context(&cli, command),
        Command::Python(PythonCommand::GetDashboardUrl) => return commands::print_dashboard_url(&cli),
        Command::Login => return commands::login(&cli),
        Command::Logout => return commands::logout(&cli),
        _ => {}
    }
    // What `log` has read from a program is stored even if both are interrupted.
    let grace = match cli.command {
        Command::Log(_) | Command::Import(_) => LOG_GRACE,
        // A signal is for the recorded command.
        Command::Runs(RunsCommand::Record(_)) => Duration::MAX,
        Command::Top(_) | Command::Runs(RunsCommand::Sweep(_)) => SHORT_GRACE,
        // They say that the run goes on.
        Command::Runs(RunsCommand::Start(_) | RunsCommand::Wait(_)) => SHORT_GRACE,
        _ => Duration::ZERO,
    };
    let effect = if cli.changes_the_server() { "; the request may still complete on the server" } else { "" };
    let run = async move |interrupt| Box::pin(commands::run(&cli, &interrupt)).await;
    let result = interrupt::until_interrupted(grace, run);
    commands::restore_terminal();
    result.map_err(|failure| failure.with_effect(effect))
}
