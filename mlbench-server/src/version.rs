//! The version of the server.

/// The version with the commit of a release build and its date: `0.1.0 (1a2b3c4d5 2026-11-27)`.
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("MLBENCH_BUILD"), ")");
