//! Which server is talked to, and with which token.

use std::path::Path;

use mlbench_client::{Client, Error};

use crate::args::Cli;
use crate::failure::Failure;
use crate::output::say;

/// The client of the server at `url` that the command line means.
pub(super) fn connect(cli: &Cli, url: &str) -> Result<Client, Failure> {
    let token = match &cli.token_file {
        Some(file) => Some(read(file)?),
        None => Cli::token_of_environment(),
    };
    let builder = Client::builder().base_url(url).on_retry(tell);
    let builder = match token {
        Some(token) => builder.token(token),
        None => builder,
    };
    Ok(builder.build()?)
}

fn read(file: &Path) -> Result<String, Failure> {
    let unreadable = |error| Failure::TokenFile { path: file.to_owned(), error };
    Ok(std::fs::read_to_string(file).map_err(unreadable)?.trim().to_owned())
}

/// Says why nothing goes on, once for each time that it stops.
fn tell(error: &Error, attempt: u32) {
    if attempt == 1 {
        say(format_args!("{error}; trying again for a minute"));
    }
}
