//! Experiments: a row each.

use mlbench_core::experiment::{Experiment, ExperimentQuery, ExperimentWrite};
use mlbench_core::labels::{Tags, TagsPatch};
use mlbench_core::{Error, Timestamp};
use rusqlite::{Connection, Row, ToSql, params};

use super::error::StoreError;

const COLUMNS: &str = "id, name, created_at, updated_at, deleted, tags";
/// The place of the tags among the columns.
const TAGS: usize = 5;

/// Most experiments of a page.
const PAGE: usize = 1_000;
/// Bytes of tags after which a page ends, however few experiments it has.
const PAGE_BYTES: usize = 1 << 20;

/// Returns the experiments that a query selects.
pub(super) fn find(connection: &Connection, query: &ExperimentQuery) -> Result<Vec<Experiment>, StoreError> {
    let (condition, value): (_, &dyn ToSql) = match query {
        ExperimentQuery::Id(id) => ("id =", id),
        ExperimentQuery::Name(name) => ("name =", name),
        ExperimentQuery::After(id) => ("id >", id),
    };
    let sql = format!("SELECT {COLUMNS} FROM experiment WHERE {condition} ?1 ORDER BY id LIMIT {PAGE}");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([value])?;
    let (mut page, mut bytes) = (Vec::new(), 0);
    while bytes < PAGE_BYTES {
        let Some(row) = rows.next()? else { break };
        bytes += row.get_ref(TAGS)?.as_bytes().map_or(0, <[u8]>::len);
        page.push(read(row)?);
    }
    Ok(page)
}

/// Returns the names of all experiments, each with its number.
pub(super) fn names(connection: &Connection) -> Result<Vec<(String, i64)>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT name, id FROM experiment")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Creates or changes an experiment. Returns it, and whether it is new.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound), or when there are too many or its tags are.
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
    if let Some(found) = one(connection, &ExperimentQuery::Name(name.to_owned()))? {
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
    let missing = || Error::not_found(format_args!("experiment {id}"));
    Ok(one(connection, &ExperimentQuery::Id(id))?.ok_or_else(missing)?)
}

fn one(connection: &Connection, query: &ExperimentQuery) -> Result<Option<Experiment>, StoreError> {
    Ok(find(connection, query)?.pop())
}

fn read(row: &Row<'_>) -> Result<Experiment, StoreError> {
    let tags: String = row.get(TAGS)?;
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
