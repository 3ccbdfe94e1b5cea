//! What a database holds, in numbers, and whether SQLite finds it whole.

use std::fmt;

use rusqlite::{Connection, Row};

use crate::sqlite::error::StoreError;

/// The most problems that a check reports.
pub(super) const MAX_PROBLEMS: usize = 100;

/// What a database holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contents {
    /// Runs that are not deleted.
    pub runs: u64,
    /// Series of runs and pods.
    pub series: u64,
    /// Points of all series, as their rows count them.
    pub points: u64,
    /// Lines of output.
    pub lines: u64,
}

impl Contents {
    /// Counts what a snapshot of a database holds.
    pub(super) fn of(connection: &Connection) -> Result<Self, StoreError> {
        let sql = "SELECT (SELECT count(*) FROM run WHERE deletion = 0), (SELECT count(*) FROM series), \
                   (SELECT coalesce(sum(count), 0) FROM series), (SELECT count(*) FROM log_line)";
        let count = |row: &Row<'_>, column| {
            row.get::<_, i64>(column).map(|count| u64::try_from(count).unwrap_or_default())
        };
        Ok(connection.query_row(sql, [], |row| {
            Ok(Self {
                runs: count(row, 0)?,
                series: count(row, 1)?,
                points: count(row, 2)?,
                lines: count(row, 3)?,
            })
        })?)
    }
}

impl fmt::Display for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { runs, series, points, lines } = self;
        let s = |count: &u64| if *count == 1 { "" } else { "s" };
        write!(
            f,
            "{runs} run{}, {points} point{} in {series} series, {lines} line{} of output",
            s(runs),
            s(points),
            s(lines)
        )
    }
}

/// Returns what SQLite finds wrong with the file: pages, indexes, types.
pub(super) fn damage(connection: &Connection) -> Vec<String> {
    let read = || -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare(&format!("PRAGMA integrity_check({MAX_PROBLEMS})"))?;
        statement.query_map([], |row| row.get(0))?.collect()
    };
    let mut found = read().unwrap_or_else(|error| vec![error.to_string()]);
    found.retain(|text| text != "ok");
    found.iter().map(|text| format!("the file is damaged: {text}")).collect()
}
