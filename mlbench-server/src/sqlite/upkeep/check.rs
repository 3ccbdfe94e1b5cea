//! Checks a database: the file, the rows that belong together, and every series with all of its points.

use std::path::Path;

use mlbench_core::{Error, Result};
use rusqlite::{Connection, Row};

use super::contents::{Contents, MAX_PROBLEMS, damage};
use super::existing::Existing;
use super::orphans;
use super::statistics::Statistics;
use crate::sqlite::error::StoreError;
use crate::sqlite::metrics::{arrival, chunks};
use crate::sqlite::runs::import;

/// Series whose numbers are read together.
const SERIES_AT_ONCE: u32 = 1_000;

/// The result of a check.
#[derive(Debug)]
pub struct Checked {
    /// What the database holds.
    pub contents: Contents,
    /// What is wrong, by run and series.
    pub problems: Vec<String>,
}

/// Checks a database, also while a server writes it.
///
/// # Errors
/// A message for the operator when the database cannot be opened or read at all.
pub fn check(database: &Path) -> Result<Checked> {
    let Existing { connection, .. } = Existing::read(database)?.current()?;
    let contents = Contents::of(&connection).map_err(Error::from)?;
    let mut problems = damage(&connection);
    match orphans::find(&connection, MAX_PROBLEMS) {
        Ok(found) => problems.extend(found),
        Err(error) => problems.push(format!("the rows of runs cannot be read: {error}")),
    }
    match import::damaged_usage(&connection, MAX_PROBLEMS) {
        Ok(runs) => problems
            .extend(runs.iter().map(|run| format!("run {run}: the usage of its imported pods is damaged"))),
        Err(error) => problems.push(format!("the usage of imported runs cannot be read: {}", text(error))),
    }
    if let Err(error) = check_series(&connection, &mut problems) {
        problems.push(format!("the list of series cannot be read: {}", text(error)));
    }
    problems.truncate(MAX_PROBLEMS);
    Ok(Checked { contents, problems })
}

/// A series, and its name for people.
struct Named {
    id: i64,
    name: String,
}

fn check_series(connection: &Connection, problems: &mut Vec<String>) -> Result<(), StoreError> {
    let mut after = 0;
    while problems.len() < MAX_PROBLEMS {
        let some = next_series(connection, after)?;
        let Some(last) = some.last() else { break };
        after = last.id;
        for series in some {
            // A snapshot per series: the server may write on, and its log may start over in between.
            connection.execute_batch("BEGIN")?;
            let found = check_one(connection, &series);
            connection.execute_batch("ROLLBACK")?;
            problems.extend(found);
        }
    }
    Ok(())
}

/// Returns the next series whose points are not being purged.
fn next_series(connection: &Connection, after: i64) -> Result<Vec<Named>, StoreError> {
    let sql = format!(
        "SELECT s.id, s.name, s.owner_kind, s.owner, p.name FROM series s \
         LEFT JOIN pod p ON p.id = s.owner AND s.owner_kind = 0 \
         WHERE s.id > ?1 AND NOT (s.owner_kind = 1 AND s.owner IN (SELECT id FROM run WHERE deletion > 0)) \
         ORDER BY s.id LIMIT {SERIES_AT_ONCE}"
    );
    let named = |row: &Row<'_>| {
        let (name, owner) = (row.get::<_, String>(1)?, row.get::<_, i64>(3)?);
        let owner = match (row.get::<_, i64>(2)?, row.get::<_, Option<String>>(4)?) {
            (0, Some(pod)) => format!("pod {pod}"),
            (0, None) => format!("pod number {owner}"),
            _ => format!("run {owner}"),
        };
        Ok(Named { id: row.get(0)?, name: format!("{owner}, series {name:?}") })
    };
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_map([after], named)?.collect::<rusqlite::Result<_>>()?)
}

/// Checks one series in a snapshot.
fn check_one(connection: &Connection, series: &Named) -> Vec<String> {
    let mut found = check_chunks(connection, series.id).unwrap_or_else(|error| vec![text(error)]);
    if found.is_empty() {
        found = check_statistics(connection, series.id).unwrap_or_else(|error| vec![text(error)]);
    }
    found.iter().map(|problem| format!("{}: {problem}", series.name)).collect()
}

/// Compares the statistics of a series with its points.
fn check_statistics(connection: &Connection, series: i64) -> Result<Vec<String>, StoreError> {
    let Some(stored) = Statistics::stored(connection, series)? else { return Ok(Vec::new()) };
    let (computed, twice) = Statistics::computed(connection, series)?;
    let mut found = stored.differences(&computed);
    if let Some((date, seq)) = twice {
        found.push(format!("point {seq} of {} is stored twice", date.to_text().as_str()));
    }
    let (newest, last) = (computed.last_seq(), arrival::last(connection)?);
    if newest > last {
        found.push(format!("a point has arrival number {newest}, after the last one, {last}"));
    }
    Ok(found)
}

/// Checks the checksums of all chunks of a series, and that they follow each other.
fn check_chunks(connection: &Connection, series: i64) -> Result<Vec<String>, StoreError> {
    let (mut last, mut found) = (None, Vec::new());
    for id in chunks::ids(connection, series)? {
        match chunks::check(connection, id)? {
            Ok(header) => {
                if last.is_some_and(|last| last >= header.first()) {
                    found.push(format!("chunk {id} overlaps the one before it"));
                }
                last = Some(header.last());
            }
            Err(problem) => found.push(format!("chunk {id} is damaged: {problem}")),
        }
    }
    Ok(found)
}

/// Returns the text of an error for the operator.
fn text(error: StoreError) -> String {
    let error = Error::from(error);
    error.internal_text().unwrap_or(error.detail()).to_owned()
}
