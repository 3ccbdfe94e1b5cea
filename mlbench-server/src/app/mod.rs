//! Use cases: what the endpoints do, without HTTP, SQL or Kubernetes.

pub mod access;
mod context;
pub mod health;
pub mod logs;
pub mod metrics;
pub mod pods;
pub mod run_cache;
pub mod runs;
pub mod sessions;
pub mod stats;

pub use context::{App, RunPolicy};
