//! The store: one SQLite file, written by one thread and read through a few read-only connections.
//!
//! Each use case of [`Storage`](mlbench_core::storage::Storage) is one transaction, and a write returns after its commit. More is in `docs/storage.md`.

mod changes;
mod connection;
mod error;
mod experiments;
mod idempotency;
mod identity;
mod import_store;
mod metrics;
mod opened;
mod pods;
mod runs;
mod seal;
mod stats;
mod store;
pub mod upkeep;
mod writer;

#[cfg(test)]
pub(crate) mod tests;

pub use connection::open::{Durability, Options, SealOptions};
pub use identity::{Identity, Moved};
pub use store::SqliteStorage;
