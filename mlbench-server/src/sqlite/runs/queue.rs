//! Reads the queue without the commands and environments of the runs that wait in it.

use mlbench_core::RunId;
use mlbench_core::queue::{Queue, QueueEntries, QueueEntry};
use rusqlite::{Connection, Row};

use super::rows::RunFilter;
use crate::sqlite::error::StoreError;

/// Reads the queue of a cluster with `capacity` workers.
pub(crate) fn read(connection: &Connection, capacity: u32) -> Result<Queue, StoreError> {
    let (holders, waiting) = ids(connection)?;
    Queue::read(holders, waiting, capacity, |id| num_workers(connection, id))
}

/// Reads what shows the places of the runs that wait.
pub(crate) fn entries(connection: &Connection) -> Result<QueueEntries, StoreError> {
    let (holders, waiting) = ids(connection)?;
    let mut entries = QueueEntries::default();
    for id in holders {
        entries.holders.push(QueueEntry { id, num_workers: Some(num_workers(connection, id)?) });
    }
    for (place, id) in waiting.into_iter().enumerate() {
        let num_workers = (place == 0).then(|| num_workers(connection, id)).transpose()?;
        entries.waiting.push(QueueEntry { id, num_workers });
    }
    Ok(entries)
}

/// Reads which runs hold workers and which ones wait.
fn ids(connection: &Connection) -> Result<(Vec<RunId>, Vec<RunId>), StoreError> {
    // The columns follow the specification, which may be large. SQLite knows whether a value is NULL without reading it.
    let sql = format!(
        "SELECT id, typeof(admitted_at) = 'null', typeof(stop_requested_at) <> 'null' OR typeof(outcome_event) <> 'null' \
         FROM run WHERE {} ORDER BY id",
        RunFilter::Active.condition()
    );
    let (mut holders, mut waiting) = (Vec::new(), Vec::new());
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        match (row.get(1)?, row.get(2)?) {
            (false, _) => holders.push(id(row)?),
            (true, false) => waiting.push(id(row)?),
            (true, true) => {}
        }
    }
    let sql = format!("SELECT id FROM run WHERE {} ORDER BY id", RunFilter::Deleting.condition());
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        holders.push(id(row)?);
    }
    Ok((holders, waiting))
}

fn num_workers(connection: &Connection, id: RunId) -> Result<u32, StoreError> {
    let sql = "SELECT json_extract(spec, '$.num_workers') FROM run WHERE id = ?1";
    Ok(connection.prepare_cached(sql)?.query_row([id.get()], |row| row.get(0))?)
}

fn id(row: &Row<'_>) -> Result<RunId, StoreError> {
    RunId::new(row.get(0)?).ok_or_else(|| StoreError::corrupt("run", "invalid id"))
}
