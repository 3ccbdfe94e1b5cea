//! Servers that the user has given a name, with their tokens, in a file.

mod choice;
mod file;
mod url;

pub(crate) use self::choice::{Choice, Given, NoServer, Server, read_token};
pub(crate) use self::file::{Context, ContextFile, Contexts, FileProblem};
pub(crate) use self::url::without_credentials;
