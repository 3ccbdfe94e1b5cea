//! The series that a store has when it is opened, read in small steps.

use rusqlite::{Connection, Row};

use super::owner::OwnerRow;
use super::recent::StoredSeries;
use crate::sqlite::error::StoreError;

/// Series read at a time, in about 5 ms.
const SOME: i64 = 10_000;

/// Returns the next series after the one with the number `after`.
pub(crate) fn some(connection: &Connection, after: i64) -> Result<Vec<StoredSeries>, StoreError> {
    let sql = "SELECT owner_kind, owner, id, last_seq FROM series WHERE id > ?1 ORDER BY id LIMIT ?2";
    let stored = |row: &Row<'_>| {
        let owner = OwnerRow { kind: row.get(0)?, id: row.get(1)? };
        Ok(StoredSeries { owner, series: row.get(2)?, last: row.get(3)? })
    };
    Ok(connection.prepare_cached(sql)?.query_map([after, SOME], stored)?.collect::<Result<_, _>>()?)
}
