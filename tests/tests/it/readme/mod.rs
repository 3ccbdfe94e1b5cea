//! The console examples of `README.md`.

mod compare;
mod examples;
