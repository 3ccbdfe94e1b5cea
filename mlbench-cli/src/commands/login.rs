//! `mlbench login` and `logout`: the token of a context.

use std::io;
use std::time::Duration;

use mlbench_client::RunSearch;
use tokio::signal::unix::SignalKind;

use super::connect::builder;
use crate::args::{Cli, context_file};
use crate::contexts::{Context, ContextFile, Contexts, read_token};
use crate::failure::Failure;
use crate::interrupt;
use crate::output::{eprint_message, read_secret};
use crate::unknown_name::UnknownName;

/// `mlbench login`: stores a token that the server accepts.
pub(crate) fn login(cli: &Cli) -> Result<(), Failure> {
    let file = context_file().ok_or(Failure::NoHome)?;
    let (name, url) = target(cli, &file.read()?)?;
    let given = cli.token_file.as_ref().map(|path| read_token("--token-file", path)).transpose()?;
    // A signal drops the prompt, which lets the terminal show again what is typed.
    let result = interrupt::until_interrupted(Duration::ZERO, async move |_| {
        let token = match given {
            Some(token) => token,
            None => read_secret(&format!("Token for {url}: ")).await.map_err(unread)?,
        };
        if token.is_empty() {
            return Err(Failure::EmptyToken);
        }
        store(&file, &name, &url, token).await
    });
    result.map_err(|failure| failure.with_effect("; no token was stored"))
}

/// Returns the failure of a prompt, which does not see Ctrl-C as a signal.
fn unread(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::Interrupted => Failure::interrupted(SignalKind::interrupt()),
        _ => Failure::Input(error),
    }
}

/// Stores the token if the server accepts it.
async fn store(file: &ContextFile, name: &str, url: &str, token: String) -> Result<(), Failure> {
    let client = builder(url, Some(token.clone())).retry_timeout(Duration::ZERO).build()?;
    client.runs().search(&RunSearch { limit: Some(1), ..RunSearch::default() }).await?;
    file.change(|contexts| -> Result<(), Failure> {
        let context = Context { url: url.to_owned(), token: Some(token), token_file: None };
        contexts.contexts.insert(name.to_owned(), context);
        contexts.current.get_or_insert_with(|| name.to_owned());
        Ok(())
    })?;
    let path = file.path().display();
    eprint_message(format_args!("logged in to {url} as context {name:?}; the token is in {path}"));
    Ok(())
}

/// `mlbench logout`: removes the token of a context.
pub(crate) fn logout(cli: &Cli) -> Result<(), Failure> {
    let file = context_file().ok_or(Failure::NoHome)?;
    let (name, _) = target(cli, &file.read()?)?;
    let was_there = file.change(|contexts| -> Result<bool, Failure> {
        let context = contexts.contexts.get_mut(&name).ok_or(Failure::NoContext)?;
        Ok(context.token.take().is_some() | context.token_file.take().is_some())
    })?;
    let what = if was_there { "removed the token of" } else { "no token in" };
    eprint_message(format_args!("{what} context {name:?}"));
    Ok(())
}

/// Returns the name and the URL of the context: of `--context`, of `--url`, else the current one.
///
/// A server that has no context gets one, named like its host.
fn target(cli: &Cli, contexts: &Contexts) -> Result<(String, String), Failure> {
    let with_url = |url: &str| {
        let known = contexts.contexts.iter().find(|(_, context)| context.url == url);
        let name = known.map_or_else(|| host(url), |(name, _)| name.clone());
        match contexts.contexts.get(&name) {
            Some(context) if context.url != url => Err(Failure::ContextExists(name)),
            _ => Ok((name, url.to_owned())),
        }
    };
    let choice = cli.choice();
    if cli.url_flag().is_some() {
        return with_url(&choice.url_or_default()?);
    }
    match choice.context_name()? {
        Some(name) => match contexts.contexts.get(&name) {
            Some(context) => {
                let url = context.server_url(&name)?;
                Ok((name, url))
            }
            None => {
                let known = contexts.contexts.keys().cloned().collect();
                Err(Failure::UnknownName(UnknownName::context(&name, known)))
            }
        },
        None => with_url(&choice.url_or_default()?),
    }
}

/// Returns the host and the port of a URL, as the name of a context.
fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest).replace(['[', ']'], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_context_is_named_like_its_host() {
        assert_eq!(host("http://127.0.0.1:8000"), "127.0.0.1:8000");
        assert_eq!(host("https://bench.example/mlbench/"), "bench.example");
        assert_eq!(host("http://[::1]:8000"), "::1:8000");
    }
}
