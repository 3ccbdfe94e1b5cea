//! Provides the workers of a run: static workers, or a worker set of its own.

pub(super) mod access;
pub(super) mod limits;
mod prepare;
mod static_workers;
mod worker_set;
