//! Connections to the database: opening, watching, locking, migrating, pooling, reserving, checkpointing.

pub(super) mod checkpoint;
pub(super) mod files;
pub(super) mod lock;
pub(super) mod migrations;
pub(super) mod open;
pub(super) mod place;
pub(super) mod readers;
pub(super) mod reserve;
