//! Rows whose run, pod or series does not exist.
//!
//! The schema declares no foreign keys, because a purge deletes in steps.

use rusqlite::Connection;

/// A table whose rows belong to a row of another one.
struct Child {
    table: &'static str,
    /// How people call its rows.
    rows: &'static str,
    /// The number of what its rows belong to.
    parent: &'static str,
    /// How people call that.
    of: &'static str,
    /// Which rows have none.
    orphaned: &'static str,
}

const NO_RUN: &str = "run NOT IN (SELECT id FROM run)";
const NO_SERIES: &str = "series NOT IN (SELECT id FROM series)";

/// Rows of runs. What they are left of is gone, so `gc` deletes them.
const OF_RUNS: &[Child] = &[
    Child { table: "log_line", rows: "lines of output", parent: "run", of: "run", orphaned: NO_RUN },
    Child { table: "run_output", rows: "sizes of output", parent: "run", of: "run", orphaned: NO_RUN },
    Child { table: "run_rank", rows: "ranks", parent: "run", of: "run", orphaned: NO_RUN },
    Child { table: "run_label", rows: "parameters and tags", parent: "run", of: "run", orphaned: NO_RUN },
    Child {
        table: "imported_usage",
        rows: "usage of imported runs",
        parent: "run",
        of: "run",
        orphaned: NO_RUN,
    },
    Child { table: "run_token", rows: "tokens", parent: "run", of: "run", orphaned: NO_RUN },
    Child {
        table: "idempotency_key",
        rows: "idempotency keys",
        parent: "holder",
        of: "run",
        orphaned: "holder > 0 AND holder NOT IN (SELECT id FROM run)",
    },
];

/// Rows that hold points, or find them.
const OF_SERIES: &[Child] = &[
    Child { table: "point", rows: "points", parent: "series", of: "series number", orphaned: NO_SERIES },
    Child { table: "chunk", rows: "chunks", parent: "series", of: "series number", orphaned: NO_SERIES },
    Child {
        table: "out_of_order_point",
        rows: "late points",
        parent: "series",
        of: "series number",
        orphaned: NO_SERIES,
    },
    Child {
        table: "series",
        rows: "series",
        parent: "owner",
        of: "run",
        orphaned: "owner_kind = 1 AND owner NOT IN (SELECT id FROM run)",
    },
    Child {
        table: "series",
        rows: "series",
        parent: "owner",
        of: "pod number",
        orphaned: "owner_kind = 0 AND owner NOT IN (SELECT id FROM pod)",
    },
];

/// Names the rows whose run, pod or series does not exist, at most `limit` of their parents per table.
pub(super) fn find(connection: &Connection, limit: usize) -> rusqlite::Result<Vec<String>> {
    let mut found = Vec::new();
    for Child { table, rows, parent, of, orphaned } in OF_RUNS.iter().chain(OF_SERIES) {
        let sql = format!(
            "SELECT {parent}, count(*) FROM {table} WHERE {orphaned} GROUP BY {parent} ORDER BY {parent} LIMIT {limit}"
        );
        let mut statement = connection.prepare(&sql)?;
        let named = statement.query_map([], |row| {
            let (parent, count): (i64, i64) = (row.get(0)?, row.get(1)?);
            Ok(format!("{of} {parent} does not exist, but {count} {rows} of it do"))
        })?;
        for text in named {
            found.push(text?);
        }
    }
    Ok(found)
}

/// Deletes up to `limit` rows of runs that do not exist. Returns how many it deleted.
pub(super) fn delete_some(connection: &Connection, limit: u32) -> rusqlite::Result<usize> {
    for Child { table, parent, orphaned, .. } in OF_RUNS {
        // All rows of some parents at a time: these tables have no row ids.
        let sql = format!(
            "DELETE FROM {table} WHERE {orphaned} AND {parent} IN \
             (SELECT {parent} FROM {table} WHERE {orphaned} LIMIT {limit})"
        );
        let deleted = connection.execute(&sql, [])?;
        if deleted > 0 {
            return Ok(deleted);
        }
    }
    Ok(0)
}
