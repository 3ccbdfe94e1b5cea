//! Builds the client from the arguments and the environment.

use std::path::Path;

use mlbench_client::{Client, Error};

use crate::args::Cli;
use crate::failure::Failure;
use crate::output::eprint_message;

/// Returns a client of the server at `url` with the token of the command line.
pub(super) fn connect(cli: &Cli, url: &str) -> Result<Client, Failure> {
    let token = match &cli.token_file {
        Some(file) => Some(read_token(file)?),
        None => Cli::token_from_env(),
    };
    let builder = Client::builder().base_url(url).on_retry(report_retry);
    let builder = match token {
        Some(token) => builder.token(token),
        None => builder,
    };
    Ok(builder.build()?)
}

fn read_token(file: &Path) -> Result<String, Failure> {
    let unreadable = |error| Failure::TokenFile { path: file.to_owned(), error };
    Ok(std::fs::read_to_string(file).map_err(unreadable)?.trim().to_owned())
}

/// Reports the first retry of a request, not every one.
fn report_retry(error: &Error, attempt: u32) {
    if attempt == 1 {
        eprint_message(format_args!("retrying for up to 60 s: {error}"));
    }
}
