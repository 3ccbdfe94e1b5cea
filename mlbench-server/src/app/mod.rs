//! Use cases: what the endpoints do, without HTTP, SQL or Kubernetes.

pub mod access;
mod api_run;
pub mod carry;
pub mod comparison;
mod context;
pub mod events;
pub mod health;
pub mod hub;
pub mod logs;
pub mod metrics;
pub mod mlflow;
pub mod pods;
pub mod run_cache;
pub mod runs;
pub mod sessions;
pub mod silence;
pub mod stats;

pub use context::{App, Exports, RunPolicy};
