//! Reads runs from their rows.

use mlbench_core::run::{RankStatus, Run, RunOutcome};
use mlbench_core::storage::RunEntry;
use mlbench_core::{Error, RunEvent, RunId, RunName, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, Rows};

use crate::sqlite::error::StoreError;

const COLUMNS: &str = "id, name, job_id, state, created_at, finished_at, spec, workers, stop_requested_at, \
                       outcome_event, outcome_reason, outcome_at, admitted_at, params, tags, imported";

/// Selects runs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RunFilter {
    /// All but deleted ones.
    All,
    /// Those of the launcher that have not ended, including queued ones.
    Active,
    /// Active ones that were admitted or asked to stop.
    Supervised,
    /// Deleted ones that are not torn down yet.
    Deleting,
}

impl RunFilter {
    pub(super) const fn condition(self) -> &'static str {
        match self {
            Self::All => "deletion = 0",
            // SQLite knows that a value is NULL without reading the specification before it.
            Self::Active => "deletion = 0 AND state IN ('INITIALIZED', 'STARTED') AND external IS NULL",
            Self::Supervised => {
                "deletion = 0 AND state IN ('INITIALIZED', 'STARTED') AND external IS NULL \
                 AND (admitted_at IS NOT NULL OR stop_requested_at IS NOT NULL)"
            }
            // SQLite uses the index on deleted runs only if its condition is repeated.
            Self::Deleting => "deletion > 0 AND deletion = 1",
        }
    }
}

/// Reads the run with this id.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound).
pub(crate) fn get(connection: &Connection, id: RunId) -> Result<Run, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM run WHERE id = ?1 AND deletion = 0");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([id.get()])?;
    let mut run = match rows.next()? {
        Some(row) => read(row)?,
        None => return Err(not_found(id).into()),
    };
    let mut statement = connection.prepare_cached(
        "SELECT run, rank, stdout_offset, stderr_offset, exit_code, lost FROM run_rank WHERE run = ?1 ORDER BY rank",
    )?;
    let ranks = statement.query_map([id.get()], |row| Ok(read_rank(row)?.1))?;
    run.ranks = ranks.collect::<rusqlite::Result<_>>()?;
    Ok(run)
}

/// Reads runs by ascending id.
pub(crate) fn list(connection: &Connection, filter: RunFilter) -> Result<Vec<Run>, StoreError> {
    let condition = filter.condition();
    let sql = format!("SELECT {COLUMNS} FROM run WHERE {condition} ORDER BY id");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut runs: Vec<Run> = statement.query_and_then([], read)?.collect::<Result<_, StoreError>>()?;
    let sql = format!(
        "SELECT run, rank, stdout_offset, stderr_offset, exit_code, lost FROM run_rank \
         WHERE run IN (SELECT id FROM run WHERE {condition}) ORDER BY run, rank"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    attach_ranks(&mut runs, statement.query([])?)?;
    Ok(runs)
}

/// Adds the ranks to their runs. Both are sorted by run id, so one pass is enough.
fn attach_ranks(runs: &mut [Run], mut ranks: Rows<'_>) -> Result<(), StoreError> {
    let mut at = 0;
    while let Some(row) = ranks.next()? {
        let (id, rank) = read_rank(row)?;
        while runs.get(at).is_some_and(|run| run.id.get() < id) {
            at += 1;
        }
        if let Some(run) = runs.get_mut(at).filter(|run| run.id.get() == id) {
            run.ranks.push(rank);
        }
    }
    Ok(())
}

/// Reads the first `limit` runs after an id, by ascending id. Of cached runs, reads only the id.
pub(crate) fn page(
    connection: &Connection,
    after: Option<RunId>,
    limit: u32,
    is_cached: &dyn Fn(RunId) -> bool,
) -> Result<Vec<RunEntry>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM run WHERE deletion = 0 AND id > ?1 ORDER BY id LIMIT ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([after.map_or(0, RunId::get), i64::from(limit)])?;
    let (mut runs, mut order) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let cached = RunId::new(row.get(0)?).filter(|id| is_cached(*id));
        if cached.is_none() {
            runs.push(read(row)?);
        }
        order.push(cached);
    }
    if let (Some(first), Some(last)) = (runs.first(), runs.last()) {
        let sql = "SELECT run, rank, stdout_offset, stderr_offset, exit_code, lost FROM run_rank \
                   WHERE run BETWEEN ?1 AND ?2 ORDER BY run, rank";
        let range = [first.id.get(), last.id.get()];
        attach_ranks(&mut runs, connection.prepare_cached(sql)?.query(range)?)?;
    }
    let mut runs = runs.into_iter().map(|run| RunEntry::Loaded(Box::new(run)));
    Ok(order.into_iter().filter_map(|cached| cached.map(RunEntry::Cached).or_else(|| runs.next())).collect())
}

/// Checks that a run exists.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound).
pub(super) fn ensure_exists(connection: &Connection, id: RunId) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM run WHERE id = ?1 AND deletion = 0")?;
    let found: Option<i64> = statement.query_row([id.get()], |row| row.get(0)).optional()?;
    found.map(|_| ()).ok_or_else(|| not_found(id).into())
}

fn not_found(id: RunId) -> Error {
    Error::not_found(format_args!("run {id}"))
}

fn read(row: &Row<'_>) -> Result<Run, StoreError> {
    let id: i64 = row.get(0)?;
    let corrupt = |reason: &dyn std::fmt::Display| StoreError::corrupt(&format!("run {id}"), reason);
    let text = |column: usize| -> Result<&str, StoreError> {
        row.get_ref(column)?.as_str().map_err(|error| corrupt(&error))
    };
    let date = |column: usize| -> Result<Option<Timestamp>, StoreError> {
        Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_micros))
    };
    let outcome = match row.get_ref(9)?.as_str_or_null().map_err(|error| corrupt(&error))? {
        Some(name) => Some(RunOutcome {
            event: event_from_name(name).ok_or_else(|| corrupt(&"unknown outcome"))?,
            reason: row.get(10)?,
            at: date(11)?.unwrap_or_default(),
        }),
        None => None,
    };
    let imported = row.get_ref(15)?.as_str_or_null().map_err(|error| corrupt(&error))?;
    Ok(Run {
        id: RunId::new(id).ok_or_else(|| corrupt(&"invalid id"))?,
        name: RunName::new(text(1)?).map_err(|error| corrupt(&error))?,
        job_id: text(2)?.parse().map_err(|error| corrupt(&error))?,
        state: text(3)?.parse().map_err(|error| corrupt(&error))?,
        created_at: date(4)?.unwrap_or_default(),
        admitted_at: date(12)?,
        finished_at: date(5)?,
        spec: serde_json::from_str(text(6)?).map_err(|error| corrupt(&error))?,
        params: serde_json::from_str(text(13)?).map_err(|error| corrupt(&error))?,
        tags: serde_json::from_str(text(14)?).map_err(|error| corrupt(&error))?,
        workers: serde_json::from_str(text(7)?).map_err(|error| corrupt(&error))?,
        ranks: Vec::new(),
        stop_requested_at: date(8)?,
        outcome,
        imported_from: imported.map(serde_json::from_str).transpose().map_err(|error| corrupt(&error))?,
    })
}

fn read_rank(row: &Row<'_>) -> rusqlite::Result<(i64, RankStatus)> {
    let offset = |column: usize| row.get(column).map(|bytes: i64| u64::try_from(bytes).unwrap_or(0));
    let status = RankStatus {
        rank: row.get(1)?,
        stdout_offset: offset(2)?,
        stderr_offset: offset(3)?,
        exit_code: row.get(4)?,
        lost: row.get(5)?,
    };
    Ok((row.get(0)?, status))
}

/// Returns the name under which an event is stored.
pub(super) const fn event_name(event: RunEvent) -> &'static str {
    match event {
        RunEvent::Start => "start",
        RunEvent::Finish => "finish",
        RunEvent::Fail => "fail",
        RunEvent::Stop => "stop",
    }
}

fn event_from_name(name: &str) -> Option<RunEvent> {
    let events = [RunEvent::Start, RunEvent::Finish, RunEvent::Fail, RunEvent::Stop];
    events.into_iter().find(|event| event_name(*event) == name)
}
