//! Builds the client from the arguments and the environment.

use std::path::Path;
use std::time::Duration;

use mlbench_client::{Client, ClientBuilder, Error};

use crate::args::{Cli, Command, RunsCommand};
use crate::failure::Failure;
use crate::output::eprint_message;

/// How long to retry a request that is safe to repeat, while the server is away.
const RETRY_TIMEOUT: Duration = Duration::from_secs(60);
/// How long the metrics of a program wait for the server.
const LOG_TIMEOUT: Duration = Duration::from_secs(600);

/// How long the end of the input waits for the server, when metrics can stay in a spool.
const SPOOL_TIMEOUT: Duration = Duration::from_secs(10);

/// Returns a client of the server at `url` with the token of the command line.
///
/// It calls `on_unreachable` before it repeats a request without a response.
pub(super) fn connect(
    cli: &Cli,
    url: &str,
    on_unreachable: impl Fn() + Send + Sync + 'static,
) -> Result<Client, Failure> {
    let token = token(cli)?;
    let timeout = retry_timeout(&cli.command);
    let is_dashboard = matches!(cli.command, Command::Top(_));
    let builder = builder(url, token).retry_timeout(timeout).on_retry(move |error, attempt| {
        // The dashboard shows by itself that it reconnects.
        if attempt == 1 && !is_dashboard {
            report_retry(error, timeout);
        }
        if error.is_unreachable() {
            on_unreachable();
        }
    });
    Ok(builder.build()?)
}

/// Returns the settings of a client with a server and a token.
pub(crate) fn builder(url: &str, token: Option<String>) -> ClientBuilder {
    let builder = Client::builder().base_url(url);
    match token {
        Some(token) => builder.token(token),
        None => builder,
    }
}

/// Returns the token of the command line or of the environment.
pub(super) fn token(cli: &Cli) -> Result<Option<String>, Failure> {
    match &cli.token_file {
        Some(file) => read_token(file).map(Some),
        None => Ok(Cli::token_from_env()),
    }
}

/// Returns how long the server may be away: as long as the user waits for a run to end.
fn retry_timeout(command: &Command) -> Duration {
    match command {
        Command::Runs(RunsCommand::Wait(args)) => args.timeout.unwrap_or(Duration::MAX),
        Command::Runs(RunsCommand::Start(args)) if args.wait => Duration::MAX,
        Command::Runs(RunsCommand::Logs(args)) if args.follow => Duration::MAX,
        Command::Runs(RunsCommand::List(args)) if args.watch => Duration::MAX,
        Command::Import(args) if args.follow => Duration::MAX,
        Command::Log(args) if args.spool.is_some() => SPOOL_TIMEOUT,
        Command::Log(_) | Command::Import(_) => LOG_TIMEOUT,
        Command::Runs(RunsCommand::Record(_)) | Command::Top(_) => Duration::MAX,
        _ => RETRY_TIMEOUT,
    }
}

/// Reads a token, without the space around it.
pub(crate) fn read_token(file: &Path) -> Result<String, Failure> {
    let unreadable = |error| Failure::TokenFile { path: file.to_owned(), error };
    Ok(std::fs::read_to_string(file).map_err(unreadable)?.trim().to_owned())
}

/// Reports the first retry of a request, not every one.
fn report_retry(error: &Error, timeout: Duration) {
    match timeout {
        Duration::MAX => eprint_message(format_args!("retrying until the server responds: {error}")),
        _ => eprint_message(format_args!("retrying for up to {} s: {error}", timeout.as_secs_f64())),
    }
}
