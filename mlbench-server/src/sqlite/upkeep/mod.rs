//! Upkeep of a database from outside of its server: backups, checks, space, migrations.
//!
//! What only reads works while a server writes: it sees the database as of one commit. What writes takes the lock of the
//! database, and so refuses one that a server uses.

mod backup;
mod check;
mod contents;
mod existing;
mod gc;
mod migration;
mod orphans;
mod partial;
mod restore;
mod statistics;

pub use backup::{Backup, backup};
pub use check::{Checked, check};
pub use contents::Contents;
pub use gc::{Collected, gc};
pub use migration::{MigrationStep, migrate, try_migration};
pub use restore::restore;
