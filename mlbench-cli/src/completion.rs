//! Completes a command line for a shell, and prints the script that makes the shell ask.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::CommandFactory;
use clap_complete::CompleteEnv;
use clap_complete::env::Shells;
use mlbench_client::Client;

use crate::args::{Cli, Shell, choice_of, context_file};
use crate::candidates;
use crate::commands::builder;
use crate::contexts::Context;
use crate::harmless::hide_password;

/// Prints the candidates and ends the process if a shell asks for them.
pub(crate) fn complete_for_shell() {
    if !Shell::asks() {
        return;
    }
    let contexts = context_file().and_then(|file| file.read().ok()).unwrap_or_default().contexts;
    let with_url = |(name, context): (String, Context)| (name, hide_password(&context.url).into_owned());
    candidates::offer_contexts(contexts.into_iter().map(with_url).collect());
    if let Some(client) = client_of(std::env::args_os().skip_while(|word| word != "--").skip(1)) {
        candidates::ask(client);
    }
    CompleteEnv::with_factory(Cli::command).var(Shell::VARIABLE).complete();
}

/// Returns a client of the server that an unfinished command line selects.
///
/// None with `--kube`, because a port-forward takes too long for a key.
fn client_of(words: impl Iterator<Item = OsString>) -> Option<Client> {
    let matches = Cli::command().ignore_errors(true).try_get_matches_from(words).ok()?;
    if matches.get_flag("kube") {
        return None;
    }
    let server = choice_of(&matches).server().ok()?;
    builder(&server.url, server.token).retry_timeout(Duration::ZERO).build().ok()
}

/// Writes the script that makes `shell` complete the command lines of this program.
pub(crate) fn write_script(shell: Shell, to: &mut impl Write) -> io::Result<()> {
    let shells = Shells::builtins();
    let unknown = || io::Error::other("no completion for this shell");
    let shell = shells.completer(shell.name()).ok_or_else(unknown)?;
    // The word that started this program, unless it depends on the working directory.
    let word = std::env::args_os().next().map(PathBuf::from).unwrap_or_default();
    let path = if word.components().count() > 1 { std::path::absolute(word)? } else { word };
    let mut script = Vec::new();
    shell.write_registration(Shell::VARIABLE, "mlbench", "mlbench", &path.to_string_lossy(), &mut script)?;
    to.write_all(&script)
}
