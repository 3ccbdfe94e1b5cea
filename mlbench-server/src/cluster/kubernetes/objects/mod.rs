//! The objects that the server creates for a run, as pure functions.

pub(super) mod manifest;
pub(super) mod names;
mod needs;
pub(super) mod run_token;
mod security;
