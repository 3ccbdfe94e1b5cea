//! The page that people open in a browser: its shell and its assets, from inside the binary.
//!
//! The shell holds no data, so it needs no token. What the page shows comes from the API.

mod assets;
mod description;
mod headers;
mod routes;
mod shell;

pub(super) use assets::Asset;
pub(super) use description::{description, description_document};
#[cfg(test)]
pub(super) use headers::SHELL_HEADERS;
pub(super) use routes::routes;
pub use shell::Page;
