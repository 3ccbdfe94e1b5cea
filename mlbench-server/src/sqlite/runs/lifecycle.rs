//! The lifecycle of runs. Each function is one transition, in the transaction of its caller.

use std::collections::HashSet;
use std::time::Duration;

use mlbench_core::quote::shorten_message;
use mlbench_core::run::{NewRun, Run, RunOutcome, Worker};
use mlbench_core::storage::{Admission, KeyedRequest, RankExit, RunStart, StartedRun};
use mlbench_core::{Error, ErrorCode, PodName, RunEvent, RunId, RunState, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::changed;
use super::labels;
use super::queue;
use super::rows::{self, RunFilter, event_name};
use super::tokens;
use crate::sqlite::error::StoreError;
use crate::sqlite::idempotency::{self, Keyed, KeyedEndpoint};
use crate::sqlite::identity;

/// When a start is worth retrying after it was refused because of a teardown.
const TEARDOWN_RETRY: Duration = Duration::from_secs(2);

/// The column `external` of a run that ends when it shows no sign of life.
const WATCHED: i64 = 1;
/// The column `external` of a run that ends only when it says so.
const UNWATCHED: i64 = 2;

/// Starts a run as it asks for, unless its key was used before.
///
/// # Errors
/// Those of [`find_started`] and [`start_unless_active`].
pub(crate) fn start(
    connection: &Connection,
    start: &RunStart,
    now: Timestamp,
) -> Result<StartedRun, StoreError> {
    let RunStart { new, admission, key } = start;
    if let Some(key) = key
        && let Some(run) = find_started(connection, key)?
    {
        return Ok(StartedRun { run, replayed: true });
    }
    let run = match *admission {
        Admission::UnlessActive => start_unless_active(connection, new, now)?,
        Admission::Queue { capacity } => enqueue(connection, new, capacity, now)?,
        Admission::External { watched } => start_external(connection, new, watched, now)?,
    };
    if let Some(key) = key {
        let keyed = Keyed::whole(KeyedEndpoint::Runs, key);
        idempotency::remember(connection, keyed, &run.id, now)?;
        idempotency::expire(connection, 1, now)?;
    }
    Ok(StartedRun { run, replayed: false })
}

/// Finds the run that an earlier request with the same key started.
///
/// # Errors
/// [`IdempotencyKeyReused`](ErrorCode::IdempotencyKeyReused), [`NotFound`](ErrorCode::NotFound) for a deleted run.
pub(crate) fn find_started(
    connection: &Connection,
    request: &KeyedRequest,
) -> Result<Option<Run>, StoreError> {
    let id: Option<RunId> = idempotency::find(connection, Keyed::whole(KeyedEndpoint::Runs, request))?;
    id.map(|id| rows::get(connection, id)).transpose()
}

/// Creates and admits a run unless another is active or not torn down yet.
///
/// # Errors
/// [`RunActive`](ErrorCode::RunActive) or [`RunDeleting`](ErrorCode::RunDeleting).
fn start_unless_active(connection: &Connection, new: &NewRun, now: Timestamp) -> Result<Run, StoreError> {
    if let Some((id, name, state)) = first(connection, RunFilter::Active)? {
        let detail = format!("run {id} \"{name}\" is active ({state}); stop it or wait until it ends");
        return Err(Error::new(ErrorCode::RunActive, detail).into());
    }
    if let Some((id, ..)) = first(connection, RunFilter::Deleting)? {
        let detail = format!("run {id} is being deleted; try again in a moment");
        return Err(Error::new(ErrorCode::RunDeleting, detail).with_retry_after(TEARDOWN_RETRY).into());
    }
    let id = insert(connection, new, now)?;
    admit_one(connection, id, now)?;
    rows::get(connection, id)
}

/// Returns id, name and state of the first of these runs.
fn first(connection: &Connection, filter: RunFilter) -> Result<Option<(i64, String, String)>, StoreError> {
    let sql = format!("SELECT id, name, state FROM run WHERE {} ORDER BY id LIMIT 1", filter.condition());
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    Ok(found.optional()?)
}

/// Creates a run at the end of the queue, then admits the runs whose turn it is.
fn enqueue(connection: &Connection, new: &NewRun, capacity: u32, now: Timestamp) -> Result<Run, StoreError> {
    let id = insert(connection, new, now)?;
    admit(connection, capacity, now)?;
    rows::get(connection, id)
}

/// Creates a run that executes elsewhere.
fn start_external(
    connection: &Connection,
    new: &NewRun,
    watched: bool,
    now: Timestamp,
) -> Result<Run, StoreError> {
    let id = insert(connection, new, now)?;
    let external = if watched { WATCHED } else { UNWATCHED };
    let sql = "UPDATE run SET state = ?2, admitted_at = created_at, external = ?3 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![id.get(), RunState::Started.as_str(), external])?;
    rows::get(connection, id)
}

/// Admits the runs whose turn it is and returns them.
pub(crate) fn admit(connection: &Connection, capacity: u32, now: Timestamp) -> Result<Vec<Run>, StoreError> {
    let admitted = queue::read(connection, capacity)?.admissible().into_iter().map(|id| {
        admit_one(connection, id, now)?;
        rows::get(connection, id)
    });
    admitted.collect()
}

fn admit_one(connection: &Connection, id: RunId, now: Timestamp) -> Result<(), StoreError> {
    // The clock may have been set back since its creation.
    let sql = "UPDATE run SET admitted_at = max(?2, created_at) WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![id.get(), now.as_micros()])?;
    changed::mark(connection, id)
}

fn insert(connection: &Connection, new: &NewRun, now: Timestamp) -> Result<RunId, StoreError> {
    identity::touch(connection, now)?;
    let sql = "INSERT INTO run (name, job_id, state, created_at, spec) VALUES (?1, ?2, ?3, ?4, ?5)";
    let id = connection.prepare_cached(sql)?.insert(params![
        new.name.as_str(),
        new.job_id.to_string(),
        RunState::Initialized.as_str(),
        now.as_micros(),
        json(&new.spec)?,
    ])?;
    let id = RunId::new(id).ok_or_else(|| Error::internal("the database assigned a run id below 1"))?;
    if !new.params.is_empty() || !new.tags.is_empty() {
        labels::store(connection, id, &new.params, &new.tags)?;
    }
    changed::mark(connection, id)?;
    Ok(id)
}

/// Assigns workers once. Does nothing if another run holds one of them.
pub(crate) fn assign_workers(
    connection: &Connection,
    id: RunId,
    workers: &[Worker],
) -> Result<Run, StoreError> {
    if held_by_another(connection, id, workers)? {
        return rows::get(connection, id);
    }
    let sql = "UPDATE run SET workers = ?2 WHERE id = ?1 AND deletion = 0 AND workers = '[]'";
    if connection.prepare_cached(sql)?.execute(params![id.get(), json(&workers)?])? > 0 {
        changed::mark(connection, id)?;
    }
    rows::get(connection, id)
}

/// Whether another run holds one of the workers.
fn held_by_another(connection: &Connection, id: RunId, workers: &[Worker]) -> Result<bool, StoreError> {
    let mut holders = rows::list(connection, RunFilter::Supervised)?;
    holders.append(&mut rows::list(connection, RunFilter::Deleting)?);
    let others = holders.iter().filter(|run| run.id != id).flat_map(|run| &run.workers);
    let others: HashSet<&PodName> = others.map(|worker| &worker.pod).collect();
    Ok(workers.iter().any(|worker| others.contains(&worker.pod)))
}

/// Marks a run as started, with `ranks` ranks.
pub(crate) fn mark_started(connection: &Connection, id: RunId, ranks: u32) -> Result<Run, StoreError> {
    let run = rows::get(connection, id)?;
    let Some(state) = run.state.after(RunEvent::Start) else { return Ok(run) };
    let sql = "UPDATE run SET state = ?2 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![id.get(), state.as_str()])?;
    let mut insert = connection.prepare_cached("INSERT INTO run_rank (run, rank) VALUES (?1, ?2)")?;
    for rank in 0..ranks {
        insert.execute(params![id.get(), rank])?;
    }
    changed::mark(connection, id)?;
    rows::get(connection, id)
}

/// Records how a rank of an active run ended. The first record wins.
pub(crate) fn record_rank_exit(
    connection: &Connection,
    id: RunId,
    rank: u32,
    end: &RankExit,
) -> Result<Run, StoreError> {
    let run = rows::get(connection, id)?;
    if !run.ranks.iter().any(|status| status.rank == rank) {
        return Err(rank_not_started(id, rank).into());
    }
    if !run.state.is_active() {
        return Ok(run);
    }
    let (exit_code, lost) = match end {
        RankExit::Exited(code) => (Some(*code), None),
        RankExit::Lost(reason) => (None, Some(shorten_message(reason))),
    };
    let sql = "UPDATE run_rank SET exit_code = ?3, lost = ?4 \
               WHERE run = ?1 AND rank = ?2 AND exit_code IS NULL AND lost IS NULL";
    if connection.prepare_cached(sql)?.execute(params![id.get(), rank, exit_code, lost])? > 0 {
        changed::mark(connection, id)?;
    }
    rows::get(connection, id)
}

/// The error for a rank that the run does not have.
pub(super) fn rank_not_started(id: RunId, rank: u32) -> Error {
    Error::internal(format_args!("rank {rank} of run {id} was not started"))
}

/// Records the first stop request of an active run.
pub(crate) fn request_stop(connection: &Connection, id: RunId, now: Timestamp) -> Result<Run, StoreError> {
    identity::touch(connection, now)?;
    let run = rows::get(connection, id)?;
    if !run.state.is_active() || run.stop_requested_at.is_some() {
        return Ok(run);
    }
    let sql = "UPDATE run SET stop_requested_at = ?2 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![id.get(), not_before_start(&run, now)])?;
    changed::mark(connection, id)?;
    if run.spec.external {
        decide_outcome(connection, id, &RunOutcome { event: RunEvent::Stop, reason: None, at: now })?;
        return end(connection, id);
    }
    rows::get(connection, id)
}

/// Records how an active run will end. The first decision wins.
pub(crate) fn decide_outcome(
    connection: &Connection,
    id: RunId,
    outcome: &RunOutcome,
) -> Result<Run, StoreError> {
    let run = rows::get(connection, id)?;
    if !run.state.is_active() || run.outcome.is_some() {
        return Ok(run);
    }
    let event = event_name(outcome.event);
    if run.state.after(outcome.event).is_none_or(RunState::is_active) {
        return Err(Error::internal(format_args!("run {id} is {} and cannot {event}", run.state)).into());
    }
    identity::touch(connection, outcome.at)?;
    let sql = "UPDATE run SET outcome_event = ?2, outcome_reason = ?3, outcome_at = ?4 WHERE id = ?1";
    let (reason, at) = (outcome.reason.as_deref().map(shorten_message), not_before_start(&run, outcome.at));
    connection.prepare_cached(sql)?.execute(params![id.get(), event, reason, at])?;
    changed::mark(connection, id)?;
    rows::get(connection, id)
}

/// Returns a date in the life of a run, during which the clock may have been set back.
fn not_before_start(run: &Run, date: Timestamp) -> i64 {
    date.max(run.admitted_at.unwrap_or(run.created_at)).as_micros()
}

/// Ends an active run as decided and revokes its tokens.
pub(crate) fn end(connection: &Connection, id: RunId) -> Result<Run, StoreError> {
    let run = rows::get(connection, id)?;
    if !run.state.is_active() {
        return Ok(run);
    }
    let undecided = || Error::internal(format_args!("run {id} has no decided outcome"));
    let outcome = run.outcome.as_ref().ok_or_else(undecided)?;
    let state = run.state.after(outcome.event).ok_or_else(undecided)?;
    let sql = "UPDATE run SET state = ?2, finished_at = ?3 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![id.get(), state.as_str(), outcome.at.as_micros()])?;
    tokens::revoke_all(connection, id)?;
    changed::mark(connection, id)?;
    rows::get(connection, id)
}

/// Marks a run as deleted. [`purge`](super::purge) deletes its rows.
pub(crate) fn delete(connection: &Connection, id: RunId) -> Result<(), StoreError> {
    let run = rows::get(connection, id)?;
    tokens::revoke_all(connection, id)?;
    let holds_workers = run.state.is_active() && !run.is_queued() && !run.spec.external;
    let deletion = if holds_workers { 1 } else { 2 };
    let sql = "UPDATE run SET deletion = ?2 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![id.get(), deletion])?;
    changed::mark_deleted(connection, id)
}

/// Marks a deleted run as torn down, so that its row can be purged.
pub(crate) fn finish_teardown(connection: &Connection, id: RunId) -> Result<(), StoreError> {
    let sql = "UPDATE run SET deletion = 2 WHERE id = ?1 AND deletion = 1";
    connection.prepare_cached(sql)?.execute([id.get()])?;
    changed::mark_teardown(connection)
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| Error::internal(error).into())
}
