//! What a cluster holds of runs that the database does not know.

use mlbench_core::Timestamp;
use mlbench_core::run::RunKey;

/// A search for what this server has created for runs that it no longer knows.
#[derive(Debug, Clone, Copy)]
pub struct OrphanSearch<'a> {
    /// The active runs and those being deleted. No other run may have workers.
    pub known: &'a [RunKey],
    /// When the database was last written before this server opened it.
    ///
    /// What is newer belongs to a run that a restored database has lost, and may be alive.
    pub last_write: Timestamp,
    /// Delete it nevertheless, and what the names that this database had elsewhere have left.
    pub purge: bool,
}

impl OrphanSearch<'_> {
    /// Returns whether something created at this time may be deleted.
    #[must_use]
    pub fn may_delete(&self, created_at: Timestamp) -> bool {
        self.purge || created_at <= self.last_write
    }
}

/// What a search has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Orphans {
    /// How much is being deleted. The search is repeated until nothing is left.
    pub deleting: usize,
    /// What is left alone, one text per item.
    pub kept: Vec<String>,
}
