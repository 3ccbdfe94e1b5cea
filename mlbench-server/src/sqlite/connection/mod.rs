//! Connections to the database file: opening, locking, migrating, pooling, reserving, checkpointing.

pub(super) mod checkpoint;
pub(super) mod lock;
pub(super) mod migrations;
pub(super) mod open;
pub(super) mod place;
pub(super) mod readers;
pub(super) mod reserve;
