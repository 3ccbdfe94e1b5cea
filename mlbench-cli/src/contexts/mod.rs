//! Servers that the user has given a name, with their tokens, in a file.

mod choice;
mod file;

pub(crate) use self::choice::{Choice, Given, NoServer, Server, read_token};
pub(crate) use self::file::{Context, ContextFile, Contexts, FileProblem};
