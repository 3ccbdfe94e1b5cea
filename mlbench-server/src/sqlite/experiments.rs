//! Experiments: a row each.

use mlbench_core::experiment::{Experiment, ExperimentWrite};
use mlbench_core::labels::{Tags, TagsPatch};
use mlbench_core::{Error, ErrorCode, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::StoreError;

const COLUMNS: &str = "id, name, created_at, updated_at, deleted, tags";

/// Returns all experiments by id.
pub(super) fn list(connection: &Connection) -> Result<Vec<Experiment>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM experiment ORDER BY id");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}

/// Creates or changes an experiment. Returns it, and whether it is new.
///
/// # Errors
/// [`NotFound`](ErrorCode::NotFound), or when there are too many or its tags are.
pub(super) fn write(
    connection: &Connection,
    write: &ExperimentWrite,
    now: Timestamp,
) -> Result<(Experiment, bool), StoreError> {
    match write {
        ExperimentWrite::Create { name, tags } => create(connection, name, tags, now),
        ExperimentWrite::Update { id, deleted, tags } => {
            Ok((update(connection, *id, *deleted, tags, now)?, false))
        }
    }
}

fn create(
    connection: &Connection,
    name: &str,
    tags: &Tags,
    now: Timestamp,
) -> Result<(Experiment, bool), StoreError> {
    if let Some(found) = find(connection, "name", &name)? {
        return Ok((found, false));
    }
    let count: i64 = connection.query_row("SELECT count(*) FROM experiment", [], |row| row.get(0))?;
    if count >= Experiment::MAX_COUNT {
        let rule = format_args!("this server has {count} experiments and takes no more; use one of them");
        return Err(Error::invalid("name", rule).into());
    }
    let sql = "INSERT INTO experiment (name, created_at, updated_at, tags) VALUES (?1, ?2, ?2, ?3)";
    let id = connection.prepare_cached(sql)?.insert(params![name, now.as_micros(), json(tags)?])?;
    Ok((get(connection, id)?, true))
}

fn update(
    connection: &Connection,
    id: i64,
    deleted: Option<bool>,
    changes: &TagsPatch,
    now: Timestamp,
) -> Result<Experiment, StoreError> {
    let before = get(connection, id)?;
    let (deleted, tags) = (deleted.unwrap_or(before.deleted), before.tags.with(changes)?);
    let sql = "UPDATE experiment SET deleted = ?2, tags = ?3, updated_at = ?4 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![id, deleted, json(&tags)?, now.as_micros()])?;
    get(connection, id)
}

fn get(connection: &Connection, id: i64) -> Result<Experiment, StoreError> {
    let missing = || Error::new(ErrorCode::NotFound, format!("experiment {id} does not exist"));
    Ok(find(connection, "id", &id)?.ok_or_else(missing)?)
}

fn find(
    connection: &Connection,
    column: &str,
    value: &dyn rusqlite::ToSql,
) -> Result<Option<Experiment>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM experiment WHERE {column} = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_row([value], |row| Ok(read(row))).optional()?.transpose()
}

fn read(row: &Row<'_>) -> Result<Experiment, StoreError> {
    let tags: String = row.get(5)?;
    Ok(Experiment {
        id: row.get(0)?,
        name: row.get(1)?,
        created_at: Timestamp::from_micros(row.get(2)?),
        updated_at: Timestamp::from_micros(row.get(3)?),
        deleted: row.get(4)?,
        tags: serde_json::from_str(&tags).map_err(|error| StoreError::corrupt("tags", error))?,
    })
}

fn json(tags: &Tags) -> Result<String, StoreError> {
    serde_json::to_string(tags).map_err(|error| Error::internal(error).into())
}
