//! Owners of metrics, as the tables identify them.

use mlbench_core::{Error, Owner};
use rusqlite::{Connection, OptionalExtension};

use crate::sqlite::error::StoreError;

/// Values of the column `owner_kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i64)]
enum OwnerKind {
    Pod = 0,
    Run = 1,
}

/// Identifies an owner in the tables of series and keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct OwnerRow {
    pub(in crate::sqlite) kind: i64,
    pub(in crate::sqlite) id: i64,
}

impl OwnerRow {
    /// Orders before all others.
    pub(super) const FIRST: Self = Self { kind: i64::MIN, id: i64::MIN };

    /// Returns the id of a run, `None` for a pod.
    pub(super) fn run_id(self) -> Option<i64> {
        (self == Self::run(self.id)).then_some(self.id)
    }

    /// A run, whether it is deleted or not.
    pub(crate) const fn run(id: i64) -> Self {
        Self { kind: OwnerKind::Run as i64, id }
    }

    /// Returns one of the owner's series.
    pub(crate) fn any_series(self, connection: &Connection) -> rusqlite::Result<Option<i64>> {
        connection
            .prepare_cached("SELECT id FROM series WHERE owner_kind = ?1 AND owner = ?2 LIMIT 1")?
            .query_row([self.kind, self.id], |row| row.get(0))
            .optional()
    }

    const fn pod(id: i64) -> Self {
        Self { kind: OwnerKind::Pod as i64, id }
    }
}

/// Finds an owner. Returns `None` for a run that does not exist and for a pod that was never observed.
pub(crate) fn find(connection: &Connection, owner: &Owner) -> Result<Option<OwnerRow>, StoreError> {
    Ok(match owner {
        Owner::Pod(name) => {
            let mut statement = connection.prepare_cached("SELECT id FROM pod WHERE name = ?1")?;
            statement.query_row([name.as_str()], |row| row.get(0)).optional()?.map(OwnerRow::pod)
        }
        Owner::Run(id) => {
            let mut statement =
                connection.prepare_cached("SELECT id FROM run WHERE id = ?1 AND deletion = 0")?;
            statement.query_row([id.get()], |row| row.get(0)).optional()?.map(OwnerRow::run)
        }
    })
}

/// The error for an unknown owner.
pub(super) fn not_found(owner: &Owner) -> Error {
    match owner {
        Owner::Pod(name) => Error::not_found(format_args!("pod {:?}", name.as_str())),
        Owner::Run(id) => Error::not_found(format_args!("run {id}")),
    }
}
