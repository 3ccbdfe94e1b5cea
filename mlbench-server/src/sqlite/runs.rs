//! The life of runs: each function is one step of it, in the transaction of its caller.

use std::collections::HashSet;
use std::time::Duration;

use mlbench_core::queue::Queue;
use mlbench_core::run::{NewRun, Run, RunOutcome, Worker};
use mlbench_core::storage::RankExit;
use mlbench_core::{Error, ErrorCode, PodName, RunEvent, RunId, RunState, Timestamp};
use rusqlite::{Connection, params};

use super::failure::Failure;
use super::run_rows::{self, Which, event_word};
use super::run_tokens;

/// When a start that was refused because of a teardown is worth another try.
const TEARDOWN_RETRY: Duration = Duration::from_secs(2);

pub(super) fn start_unless_active(
    connection: &Connection,
    new: &NewRun,
    now: Timestamp,
) -> Result<Run, Failure> {
    if let Some(run) = run_rows::all(connection, Which::Active)?.first() {
        let Run { id, name, state, .. } = run;
        let detail = format!("run {id} \"{name}\" is active ({state}); only one run is active at a time");
        return Err(Error::new(ErrorCode::RunActive, detail).into());
    }
    if let Some(run) = run_rows::all(connection, Which::Removed)?.first() {
        let detail = format!("run {} is being removed", run.id);
        return Err(Error::new(ErrorCode::RunDeleting, detail).with_retry_after(TEARDOWN_RETRY).into());
    }
    let id = insert(connection, new, now)?;
    admit_one(connection, id, now)?;
    run_rows::one(connection, id)
}

pub(super) fn queue(
    connection: &Connection,
    new: &NewRun,
    capacity: u32,
    now: Timestamp,
) -> Result<Run, Failure> {
    let id = insert(connection, new, now)?;
    admit(connection, capacity, now)?;
    run_rows::one(connection, id)
}

pub(super) fn admit(connection: &Connection, capacity: u32, now: Timestamp) -> Result<Vec<Run>, Failure> {
    let active = run_rows::all(connection, Which::Active)?;
    let removed = run_rows::all(connection, Which::Removed)?;
    let turn = Queue::new(&active, &removed, capacity).admissible();
    let admitted = turn.into_iter().map(|id| {
        admit_one(connection, id, now)?;
        run_rows::one(connection, id)
    });
    admitted.collect()
}

fn admit_one(connection: &Connection, id: RunId, now: Timestamp) -> Result<(), Failure> {
    let sql = "UPDATE run SET admitted_at = ?2 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![id.get(), now.as_micros()])?;
    Ok(())
}

fn insert(connection: &Connection, new: &NewRun, now: Timestamp) -> Result<RunId, Failure> {
    let sql = "INSERT INTO run (name, job_id, state, created_at, spec) VALUES (?1, ?2, ?3, ?4, ?5)";
    let number = connection.prepare_cached(sql)?.insert(params![
        new.name.as_str(),
        new.job_id.to_string(),
        RunState::Initialized.as_str(),
        now.as_micros(),
        json(&new.spec)?,
    ])?;
    RunId::new(number).ok_or_else(|| Error::internal("the store gave out a number below 1").into())
}

pub(super) fn assign_workers(connection: &Connection, id: RunId, workers: &[Worker]) -> Result<Run, Failure> {
    if is_held(connection, id, workers)? {
        return run_rows::one(connection, id);
    }
    let sql = "UPDATE run SET workers = ?2 WHERE id = ?1 AND removal = 0 AND workers = '[]'";
    connection.prepare_cached(sql)?.execute(params![id.get(), json(&workers)?])?;
    run_rows::one(connection, id)
}

/// Whether another run holds one of these workers.
fn is_held(connection: &Connection, id: RunId, workers: &[Worker]) -> Result<bool, Failure> {
    let mut holders = run_rows::all(connection, Which::Active)?;
    holders.append(&mut run_rows::all(connection, Which::Removed)?);
    let others = holders.iter().filter(|run| run.id != id).flat_map(|run| &run.workers);
    let others: HashSet<&PodName> = others.map(|worker| &worker.pod).collect();
    Ok(workers.iter().any(|worker| others.contains(&worker.pod)))
}

pub(super) fn started(connection: &Connection, id: RunId, ranks: u32) -> Result<Run, Failure> {
    let run = run_rows::one(connection, id)?;
    let Some(state) = run.state.after(RunEvent::Start) else { return Ok(run) };
    let sql = "UPDATE run SET state = ?2 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![id.get(), state.as_str()])?;
    let mut insert = connection.prepare_cached("INSERT INTO run_rank (run, rank) VALUES (?1, ?2)")?;
    for rank in 0..ranks {
        insert.execute(params![id.get(), rank])?;
    }
    run_rows::one(connection, id)
}

pub(super) fn record_rank_exit(
    connection: &Connection,
    id: RunId,
    rank: u32,
    end: &RankExit,
) -> Result<Run, Failure> {
    let run = run_rows::one(connection, id)?;
    if !run.ranks.iter().any(|status| status.rank == rank) {
        return Err(never_started(id, rank).into());
    }
    if !run.state.is_active() {
        return Ok(run);
    }
    let (exit_code, lost) = match end {
        RankExit::Exited(code) => (Some(*code), None),
        RankExit::Lost(reason) => (None, Some(reason)),
    };
    let sql = "UPDATE run_rank SET exit_code = ?3, lost = ?4 \
               WHERE run = ?1 AND rank = ?2 AND exit_code IS NULL AND lost IS NULL";
    connection.prepare_cached(sql)?.execute(params![id.get(), rank, exit_code, lost])?;
    run_rows::one(connection, id)
}

pub(super) fn never_started(id: RunId, rank: u32) -> Error {
    Error::internal(format_args!("rank {rank} of run {id} was never started"))
}

pub(super) fn request_stop(connection: &Connection, id: RunId, now: Timestamp) -> Result<Run, Failure> {
    let run = run_rows::one(connection, id)?;
    if !run.state.is_active() || run.stop_requested_at.is_some() {
        return Ok(run);
    }
    let sql = "UPDATE run SET stop_requested_at = ?2 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![id.get(), now.as_micros()])?;
    run_rows::one(connection, id)
}

pub(super) fn decide_outcome(
    connection: &Connection,
    id: RunId,
    ending: &RunOutcome,
) -> Result<Run, Failure> {
    let run = run_rows::one(connection, id)?;
    if !run.state.is_active() || run.outcome.is_some() {
        return Ok(run);
    }
    let event = event_word(ending.event);
    if run.state.after(ending.event).is_none_or(RunState::is_active) {
        return Err(Error::internal(format_args!("run {id} is {} and cannot {event}", run.state)).into());
    }
    let sql = "UPDATE run SET ending_event = ?2, ending_reason = ?3, ending_at = ?4 WHERE id = ?1";
    let at = ending.at.as_micros();
    connection.prepare_cached(sql)?.execute(params![id.get(), event, ending.reason, at])?;
    run_rows::one(connection, id)
}

pub(super) fn end(connection: &Connection, id: RunId) -> Result<Run, Failure> {
    let run = run_rows::one(connection, id)?;
    if !run.state.is_active() {
        return Ok(run);
    }
    let undecided = || Error::internal(format_args!("nobody decided how run {id} ends"));
    let ending = run.outcome.as_ref().ok_or_else(undecided)?;
    let state = run.state.after(ending.event).ok_or_else(undecided)?;
    let sql = "UPDATE run SET state = ?2, finished_at = ?3 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![id.get(), state.as_str(), ending.at.as_micros()])?;
    run_tokens::void(connection, id)?;
    run_rows::one(connection, id)
}

/// The run is gone at once; what was its own is left to [`super::purge`].
pub(super) fn delete(connection: &Connection, id: RunId) -> Result<(), Failure> {
    let run = run_rows::one(connection, id)?;
    run_tokens::void(connection, id)?;
    let holds_workers = run.state.is_active() && !run.is_queued();
    let removal = if holds_workers { 1 } else { 2 };
    let sql = "UPDATE run SET removal = ?2 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![id.get(), removal])?;
    Ok(())
}

pub(super) fn finish_teardown(connection: &Connection, id: RunId) -> Result<(), Failure> {
    let sql = "UPDATE run SET removal = 2 WHERE id = ?1 AND removal = 1";
    connection.prepare_cached(sql)?.execute([id.get()])?;
    Ok(())
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Error::internal(error).into())
}
