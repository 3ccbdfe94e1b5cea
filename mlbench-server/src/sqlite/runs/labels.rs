//! Parameters and tags of runs.
//!
//! They are JSON in the row of a run, for readers, and have a row each, which finds runs.

use mlbench_core::labels::{Params, Tags, TagsPatch};
use mlbench_core::run::Run;
use mlbench_core::{Error, RunId};
use rusqlite::{Connection, params};

use super::changed;
use super::rows;
use crate::sqlite::error::StoreError;

/// Values of the column `kind`.
#[derive(Debug, Clone, Copy)]
#[repr(i64)]
pub(super) enum Kind {
    Param = 0,
    Tag = 1,
}

/// Adds parameters to a run and changes its tags.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound), [`ParamConflict`](mlbench_core::ErrorCode::ParamConflict) or
/// [`InvalidField`](mlbench_core::ErrorCode::InvalidField).
pub(crate) fn update(
    connection: &Connection,
    id: RunId,
    added: &Params,
    changes: &TagsPatch,
) -> Result<Run, StoreError> {
    let run = rows::get(connection, id)?;
    let (params, tags) = (run.params.with(added)?, run.tags.with(changes)?);
    if params == run.params && tags == run.tags {
        return Ok(run);
    }
    store(connection, id, &params, &tags)?;
    changed::mark(connection, id)?;
    rows::get(connection, id)
}

/// Stores all parameters and tags of a run.
pub(super) fn store(
    connection: &Connection,
    id: RunId,
    given: &Params,
    tags: &Tags,
) -> Result<(), StoreError> {
    let sql = "UPDATE run SET params = ?2, tags = ?3 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![id.get(), json(given)?, json(tags)?])?;
    delete(connection, id.get())?;
    let sql = "INSERT INTO run_label (run, kind, name, value) VALUES (?1, ?2, ?3, ?4)";
    let mut insert = connection.prepare_cached(sql)?;
    for (name, value) in given.iter() {
        insert.execute(params![id.get(), Kind::Param as i64, name, value.to_json()])?;
    }
    for (name, text) in tags.iter() {
        insert.execute(params![id.get(), Kind::Tag as i64, name, json(&text)?])?;
    }
    Ok(())
}

/// Deletes the rows of a run.
pub(super) fn delete(connection: &Connection, run: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM run_label WHERE run = ?1")?.execute([run])?;
    Ok(())
}

/// Returns the JSON of a value.
pub(super) fn json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| Error::internal(error).into())
}
