//! [`Choice`]: which server the user means. A flag counts before the environment, and that before the file.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use mlbench_client::DEFAULT_URL;
use mlbench_core::quote::shorten;

use super::file::{Context, ContextFile, Contexts, FileProblem};
use super::url::without_credentials;
use crate::unknown_name::UnknownName;

/// Longest file of a token, in bytes.
const MAX_TOKEN: u64 = 64 << 10;

/// Why it is unknown which server the user means, or which token is for it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoServer {
    /// The file of contexts cannot be read.
    #[error("{0}")]
    File(#[from] FileProblem),
    /// No context has the name.
    #[error("{0}")]
    UnknownContext(UnknownName),
    /// The URL has a user or a password.
    #[error(
        "{place}: holds a user or a password, which would be stored and printed; write {without}, and give the token \
         with `mlbench login`, MLBENCH_TOKEN or --token-file"
    )]
    Credentials {
        /// The option, variable or context with the URL.
        place: String,
        /// The URL without them.
        without: String,
    },
    /// The token file cannot be read.
    #[error("{option}: cannot read {}: {error}", shorten(&.path.to_string_lossy()))]
    TokenFile {
        /// The option or field that names it.
        option: &'static str,
        /// The token file.
        path: PathBuf,
        /// Reason given by the system.
        error: io::Error,
    },
}

/// A value, and whether it comes from the command line rather than from the environment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Given {
    pub(crate) value: Option<String>,
    pub(crate) is_flag: bool,
}

/// What the command line and the environment say about the server. Nothing prints the token.
#[derive(Clone, Default)]
pub(crate) struct Choice {
    pub(crate) url: Given,
    pub(crate) context: Given,
    pub(crate) token_file: Option<PathBuf>,
    /// The token of the environment.
    pub(crate) token: Option<String>,
    pub(crate) file: Option<ContextFile>,
}

impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Choice")
            .field("url", &self.url)
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}

/// A server, and the token for it.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) token: Option<String>,
}

impl Choice {
    /// Returns the server that the user means.
    ///
    /// A context that a flag names has its own token or none, and a URL has none of a context, so that no token
    /// reaches a server that it was not meant for.
    pub(crate) fn server(&self) -> Result<Server, NoServer> {
        let named = self.context_name()?;
        let (url, of_context) = match named {
            Some(name) => {
                let context = find(&self.contexts()?, &name)?;
                (context.server_url(&name)?, Some(context))
            }
            None => (self.url_or_default()?, None),
        };
        let token = match (&self.token_file, of_context) {
            (Some(file), _) => Some(read_token("--token-file", file)?),
            (None, Some(context)) if self.context.is_flag || self.token.is_none() => context.token()?,
            (None, _) => self.token.clone(),
        };
        Ok(Server { url, token })
    }

    /// Returns the name of the context that counts, if a context counts.
    pub(crate) fn context_name(&self) -> Result<Option<String>, NoServer> {
        let (url, context) = (&self.url, &self.context);
        match (&url.value, &context.value) {
            (_, Some(name)) if context.is_flag => Ok(Some(name.clone())),
            (Some(_), _) => Ok(None),
            (None, Some(name)) => Ok(Some(name.clone())),
            (None, None) => Ok(self.contexts()?.current),
        }
    }

    /// Returns the URL without a context.
    ///
    /// # Errors
    /// If it has a user or a password.
    pub(crate) fn url_or_default(&self) -> Result<String, NoServer> {
        let url = self.url.value.clone().unwrap_or_else(|| DEFAULT_URL.to_owned());
        refuse_credentials(&url, || if self.url.is_flag { "--url" } else { "MLBENCH_URL" }.to_owned())?;
        Ok(url)
    }

    fn contexts(&self) -> Result<Contexts, NoServer> {
        Ok(self.file.as_ref().map(ContextFile::read).transpose()?.unwrap_or_default())
    }
}

fn refuse_credentials(url: &str, place: impl Fn() -> String) -> Result<(), NoServer> {
    without_credentials(url).map_or(Ok(()), |without| Err(NoServer::Credentials { place: place(), without }))
}

/// Returns the context with a name.
fn find(contexts: &Contexts, name: &str) -> Result<Context, NoServer> {
    let known = || contexts.contexts.keys().cloned().collect();
    let found = contexts.contexts.get(name).cloned();
    found.ok_or_else(|| NoServer::UnknownContext(UnknownName::context(name, known())))
}

impl Context {
    /// Returns the URL of the context with this name.
    ///
    /// # Errors
    /// If it has a user or a password.
    pub(crate) fn server_url(&self, name: &str) -> Result<String, NoServer> {
        refuse_credentials(&self.url, || format!("context {name:?}"))?;
        Ok(self.url.clone())
    }

    fn token(&self) -> Result<Option<String>, NoServer> {
        let read = |file: &PathBuf| read_token("token_file", file);
        self.token
            .clone()
            .map_or_else(|| self.token_file.as_ref().map(read).transpose(), |token| Ok(Some(token)))
    }
}

/// Reads a token from a file that `option` names, without the space around it.
pub(crate) fn read_token(option: &'static str, file: &Path) -> Result<String, NoServer> {
    let unreadable = |error| NoServer::TokenFile { option, path: file.to_owned(), error };
    let read = || {
        let mut text = String::new();
        File::open(file)?.take(MAX_TOKEN + 1).read_to_string(&mut text)?;
        let is_long = text.len() as u64 > MAX_TOKEN;
        if is_long { Err(io::Error::other("it has over 64 KiB, which no token has")) } else { Ok(text) }
    };
    Ok(read().map_err(unreadable)?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(value: &str, is_flag: bool) -> Given {
        Given { value: Some(value.to_owned()), is_flag }
    }

    #[test]
    fn a_flag_counts_before_the_environment_and_that_before_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = ContextFile::in_directory(folder.path());
        file.change(|contexts| -> Result<(), NoServer> {
            for (name, token) in [("a", Some("of a")), ("b", None)] {
                let context = Context {
                    url: format!("http://{name}"),
                    token: token.map(str::to_owned),
                    token_file: None,
                };
                contexts.contexts.insert(name.to_owned(), context);
            }
            contexts.current = Some("a".to_owned());
            Ok(())
        })
        .unwrap();
        let nothing = || Choice {
            url: Given::default(),
            context: Given::default(),
            token_file: None,
            token: None,
            file: Some(file.clone()),
        };
        let env_token = || Choice { token: Some("of env".to_owned()), ..nothing() };
        let server = |choice: Choice| {
            let server = choice.server().unwrap();
            format!("{} {}", server.url, server.token.unwrap_or_default())
        };
        assert_eq!(server(nothing()), "http://a of a");
        assert_eq!(server(env_token()), "http://a of env");
        assert_eq!(server(Choice { url: given("http://x", false), ..nothing() }), "http://x ");
        assert_eq!(server(Choice { url: given("http://x", false), ..env_token() }), "http://x of env");
        let both =
            |is_flag| Choice { url: given("http://x", false), context: given("b", is_flag), ..env_token() };
        assert_eq!(server(both(false)), "http://x of env");
        assert_eq!(server(both(true)), "http://b ");
        assert_eq!(server(Choice { context: given("b", false), ..env_token() }), "http://b of env");
        assert_eq!(server(Choice { file: None, ..nothing() }), format!("{DEFAULT_URL} "));
        let unknown = Choice { context: given("bb", true), ..nothing() }.server().map(|_| ()).unwrap_err();
        assert_eq!(unknown.to_string(), "--context \"bb\": not found; did you mean \"b\"?");
    }

    #[test]
    fn a_token_file_without_an_end_is_refused() {
        let refused = read_token("--token-file", Path::new("/dev/zero")).unwrap_err().to_string();
        assert_eq!(refused, "--token-file: cannot read /dev/zero: it has over 64 KiB, which no token has");
    }

    #[test]
    fn a_password_in_a_url_is_refused_and_not_repeated() {
        for (is_flag, place) in [(true, "--url: "), (false, "MLBENCH_URL: ")] {
            let choice = Choice { url: given("http://me:secret@host", is_flag), ..Choice::default() };
            let refused = choice.server().map(|_| ()).unwrap_err().to_string();
            assert!(refused.starts_with(place) && refused.contains("write http://host, "), "{refused}");
            assert!(!refused.contains("secret"), "{refused}");
        }
    }
}
