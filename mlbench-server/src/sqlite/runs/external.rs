//! Runs that execute elsewhere and only report here.

use mlbench_core::run::{Run, RunOutcome};
use mlbench_core::storage::{ExternalEnd, RunUpdate, SentLine, SentLines};
use mlbench_core::{Error, ErrorCode, RunId, RunState, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::{labels, lifecycle, output, rows};
use crate::sqlite::error::StoreError;
use crate::sqlite::idempotency::{self, Keyed, KeyedEndpoint};
use crate::sqlite::metrics::arrival;

/// Selects the active external runs that end when they show no sign of life.
const ACTIVE: &str = "deletion = 0 AND external = 1 AND state = 'STARTED'";
/// The arrival number of the last metric, line or update of a run.
const ACTIVITY: &str = "max(beat, changed, \
    ifnull((SELECT max(last_seq) FROM series WHERE owner_kind = 1 AND owner = run.id), 0), \
    ifnull((SELECT max(seq) FROM log_line WHERE run = run.id AND stream = 0), 0), \
    ifnull((SELECT max(seq) FROM log_line WHERE run = run.id AND stream = 1), 0))";

/// Adds parameters, changes tags and ends an external run.
///
/// # Errors
/// Those of [`labels::update`], and of an end of a run that has ended otherwise or is not external.
pub(crate) fn update(connection: &Connection, id: RunId, update: &RunUpdate) -> Result<Run, StoreError> {
    let run = labels::update(connection, id, &update.params, &update.tags)?;
    if run.spec.external && run.state.is_active() {
        let seq = arrival::reserve(connection, 1)? + 1;
        connection.prepare_cached("UPDATE run SET beat = ?2 WHERE id = ?1")?.execute([id.get(), seq])?;
    }
    match &update.end {
        Some(end) => end_reported(connection, run, end),
        None => Ok(run),
    }
}

fn end_reported(connection: &Connection, run: Run, end: &ExternalEnd) -> Result<Run, StoreError> {
    let id = run.id;
    if !run.spec.external {
        let rule = format!(
            "state: run {id} was launched by this server, which decides how it ends; stop it instead"
        );
        return Err(Error::new(ErrorCode::RunLaunched, rule).into());
    }
    if !run.state.is_active() {
        let wanted = RunState::Started.after(end.outcome.event);
        return if wanted == Some(run.state) { Ok(run) } else { Err(ended("state", &run).into()) };
    }
    let sql = "INSERT INTO run_rank (run, rank, exit_code) VALUES (?1, ?2, ?3)";
    for (rank, code) in &end.exit_codes {
        connection.prepare_cached(sql)?.execute(params![id.get(), rank, code])?;
    }
    end_with(connection, id, &end.outcome)
}

/// Ends an active external run.
pub(super) fn end_with(connection: &Connection, id: RunId, outcome: &RunOutcome) -> Result<Run, StoreError> {
    lifecycle::decide_outcome(connection, id, outcome)?;
    lifecycle::end(connection, id)
}

/// Stores lines of an active external run, unless its key was used before. Returns whether it was.
pub(crate) fn append(
    connection: &Connection,
    id: RunId,
    sent: &SentLines,
    limit: u64,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let keyed = sent.key.as_ref().map(|key| Keyed::whole(KeyedEndpoint::Lines, key));
    if let Some(keyed) = keyed
        && idempotency::find::<RunId>(connection, keyed)?.is_some()
    {
        return Ok(true);
    }
    let run = rows::get(connection, id)?;
    if !run.spec.external {
        let rule = format!(
            "lines: run {id} was launched by this server, which reads its output itself; send lines to an external run"
        );
        return Err(Error::new(ErrorCode::RunLaunched, rule).into());
    }
    if !run.state.is_active() {
        return Err(ended("lines", &run).into());
    }
    let same = |a: &SentLine, b: &SentLine| (a.rank, a.stream, a.date) == (b.rank, b.stream, b.date);
    for lines in sent.lines.chunk_by(same) {
        output::append_sent(connection, id, lines, limit)?;
    }
    if let Some(keyed) = keyed {
        idempotency::remember(connection, keyed, &id, now)?;
        idempotency::expire(connection, 1, now)?;
    }
    Ok(false)
}

fn ended(field: &str, run: &Run) -> Error {
    let reason = run.reason().map(|reason| format!(": {reason}")).unwrap_or_default();
    let Run { id, state, .. } = run;
    let detail =
        format!("{field}: run {id} has ended ({state}{reason}) and stays as it is; create another run");
    Error::new(ErrorCode::RunEnded, detail)
}

/// Returns these runs with the arrival numbers of their last sign of life.
pub(crate) fn activity(connection: &Connection) -> Result<Vec<(RunId, i64)>, StoreError> {
    let sql = format!("SELECT id, {ACTIVITY} FROM run WHERE {ACTIVE} ORDER BY id");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let id = RunId::new(row.get(0)?).ok_or_else(|| StoreError::corrupt("run", "invalid id"))?;
        all.push((id, row.get(1)?));
    }
    Ok(all)
}

/// Ends an active external run of which nothing arrived after the number `activity`.
pub(crate) fn end_silent(
    connection: &Connection,
    id: RunId,
    activity: i64,
    outcome: &RunOutcome,
) -> Result<Option<Run>, StoreError> {
    let sql = format!("SELECT {ACTIVITY} FROM run WHERE {ACTIVE} AND id = ?1");
    let now: Option<i64> =
        connection.prepare_cached(&sql)?.query_row([id.get()], |row| row.get(0)).optional()?;
    match now {
        Some(now) if now == activity => end_with(connection, id, outcome).map(Some),
        _ => Ok(None),
    }
}
