//! Checks `README.md` against the code.
//!
//! The end-to-end tests execute its console examples.

/// Compiles the Rust examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
