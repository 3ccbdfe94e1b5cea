//! Finds the series with points that are not sealed.

use rusqlite::{Connection, OptionalExtension};

use crate::sqlite::error::StoreError;

/// Series found at a time.
const SOME: usize = 1_000;

/// Returns the next series after `after` that have rows or chunks that are not packed.
///
/// Small chunks alone need nothing: a series at rest has one.
pub(crate) fn some(connection: &Connection, mut after: i64) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT min(series) FROM (\
               SELECT * FROM (SELECT series FROM point WHERE series > ?1 ORDER BY series LIMIT 1) UNION ALL \
               SELECT * FROM (SELECT series FROM chunk WHERE series > ?1 AND state < 2 AND state = 0 \
                              ORDER BY series LIMIT 1))";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = Vec::new();
    while found.len() < SOME {
        let next: Option<i64> = statement.query_row([after], |row| row.get(0)).optional()?.flatten();
        let Some(series) = next else { break };
        found.push(series);
        after = series;
    }
    Ok(found)
}
