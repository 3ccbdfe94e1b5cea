//! Builds the client from the arguments and the environment.

use std::time::Duration;

use mlbench_client::{Client, ClientBuilder, Error};

use crate::args::{Cli, Command, RunsCommand, token_from_env};
use crate::contexts::{Server, read_token};
use crate::failure::Failure;
use crate::output::eprint_message;

/// How long to retry a request that is safe to repeat, while the server is away.
const RETRY_TIMEOUT: Duration = Duration::from_secs(60);
/// How long the metrics of a program wait for the server.
const LOG_TIMEOUT: Duration = Duration::from_secs(600);

/// How long the end of the input waits for the server, when metrics can stay in a spool.
const SPOOL_TIMEOUT: Duration = Duration::from_secs(10);

/// Returns a client of a server.
///
/// It calls `on_unreachable` before it repeats a request without a response.
pub(super) fn connect(
    cli: &Cli,
    server: Server,
    on_unreachable: impl Fn() + Send + Sync + 'static,
) -> Result<Client, Failure> {
    let timeout = retry_timeout(&cli.command);
    let is_dashboard = matches!(cli.command, Command::Top(_));
    let builder =
        builder(&server.url, server.token).retry_timeout(timeout).on_retry(move |error, attempt| {
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

/// Returns the token for the server that the user means. A server behind a port-forward is in no context.
pub(super) fn token(cli: &Cli) -> Result<Option<String>, Failure> {
    match &cli.token_file {
        Some(file) => Ok(Some(read_token("--token-file", file)?)),
        None if cli.kube.kube => Ok(token_from_env()),
        None => Ok(cli.choice().server()?.token),
    }
}

/// Returns how long the server may be away: as long as the user waits for a run to end.
fn retry_timeout(command: &Command) -> Duration {
    match command {
        Command::Runs(RunsCommand::Wait(args)) => args.timeout.unwrap_or(Duration::MAX),
        Command::Runs(RunsCommand::Start(args)) if args.wait || args.follow => Duration::MAX,
        Command::Runs(RunsCommand::Sweep(_)) => Duration::MAX,
        Command::Runs(RunsCommand::Logs(args)) if args.follow => Duration::MAX,
        Command::Runs(RunsCommand::List(args)) if args.watch => Duration::MAX,
        Command::Metrics(args) if args.show.watch => Duration::MAX,
        Command::Import(args) if args.follow => Duration::MAX,
        Command::Log(args) if args.spool.is_some() => SPOOL_TIMEOUT,
        Command::Log(_) | Command::Import(_) => LOG_TIMEOUT,
        Command::Runs(RunsCommand::Record(_)) | Command::Top(_) => Duration::MAX,
        _ => RETRY_TIMEOUT,
    }
}

/// Reports the first retry of a request, not every one.
fn report_retry(error: &Error, timeout: Duration) {
    match timeout {
        Duration::MAX => eprint_message(format_args!("retrying until the server responds: {error}")),
        _ => eprint_message(format_args!("retrying for up to {} s: {error}", timeout.as_secs_f64())),
    }
}
