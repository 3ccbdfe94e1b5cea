//! Runs as they are stored, and back.

use mlbench_core::run::{RankStatus, Run, RunOutcome};
use mlbench_core::storage::RunEntry;
use mlbench_core::{Error, RunEvent, RunId, RunName, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, Rows};

use super::failure::Failure;

const COLUMNS: &str = "id, name, job_id, state, created_at, finished_at, spec, workers, stop_requested_at, \
                       ending_event, ending_reason, ending_at, admitted_at";

/// Which runs.
#[derive(Debug, Clone, Copy)]
pub(super) enum Which {
    Kept,
    Active,
    /// Deleted, and still to be torn down.
    Removed,
}

impl Which {
    const fn condition(self) -> &'static str {
        match self {
            Self::Kept => "removal = 0",
            Self::Active => "removal = 0 AND state IN ('INITIALIZED', 'STARTED')",
            // Both terms: the index on removed runs is taken only where its own condition stands.
            Self::Removed => "removal > 0 AND removal = 1",
        }
    }
}

/// The run with this number.
pub(super) fn one(connection: &Connection, id: RunId) -> Result<Run, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM run WHERE id = ?1 AND removal = 0");
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

/// Runs by ascending number.
pub(super) fn all(connection: &Connection, which: Which) -> Result<Vec<Run>, Failure> {
    let condition = which.condition();
    let sql = format!("SELECT {COLUMNS} FROM run WHERE {condition} ORDER BY id");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut runs: Vec<Run> = statement.query_and_then([], read)?.collect::<Result<_, Failure>>()?;
    let sql = format!(
        "SELECT run, rank, stdout_offset, stderr_offset, exit_code, lost FROM run_rank \
         WHERE run IN (SELECT id FROM run WHERE {condition}) ORDER BY run, rank"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    hand_out(&mut runs, statement.query([])?)?;
    Ok(runs)
}

/// Gives runs their ranks. Both come by ascending number, so one walk over the runs hands out all ranks.
fn hand_out(runs: &mut [Run], mut ranks: Rows<'_>) -> Result<(), Failure> {
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

/// The first `limit` runs after a number that are kept, by ascending number; `known` ones by their number alone.
pub(super) fn page(
    connection: &Connection,
    after: Option<RunId>,
    limit: u32,
    known: &dyn Fn(RunId) -> bool,
) -> Result<Vec<RunEntry>, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM run WHERE removal = 0 AND id > ?1 ORDER BY id LIMIT ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([after.map_or(0, RunId::get), i64::from(limit)])?;
    let (mut runs, mut order) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let known = RunId::new(row.get(0)?).filter(|id| known(*id));
        if known.is_none() {
            runs.push(read(row)?);
        }
        order.push(known);
    }
    if let (Some(first), Some(last)) = (runs.first(), runs.last()) {
        let sql = "SELECT run, rank, stdout_offset, stderr_offset, exit_code, lost FROM run_rank \
                   WHERE run BETWEEN ?1 AND ?2 ORDER BY run, rank";
        let range = [first.id.get(), last.id.get()];
        hand_out(&mut runs, connection.prepare_cached(sql)?.query(range)?)?;
    }
    let mut runs = runs.into_iter().map(|run| RunEntry::Loaded(Box::new(run)));
    Ok(order.into_iter().filter_map(|known| known.map(RunEntry::Cached).or_else(|| runs.next())).collect())
}

/// Refuses when there is no such run.
pub(super) fn must_exist(connection: &Connection, id: RunId) -> Result<(), Failure> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM run WHERE id = ?1 AND removal = 0")?;
    let found: Option<i64> = statement.query_row([id.get()], |row| row.get(0)).optional()?;
    found.map(|_| ()).ok_or_else(|| not_found(id).into())
}

fn not_found(id: RunId) -> Error {
    Error::not_found(format_args!("run {id}"))
}

fn read(row: &Row<'_>) -> Result<Run, Failure> {
    let number: i64 = row.get(0)?;
    let unreadable = |why: &dyn std::fmt::Display| Failure::unreadable(&format!("run {number}"), why);
    let text = |column: usize| -> Result<&str, Failure> {
        row.get_ref(column)?.as_str().map_err(|error| unreadable(&error))
    };
    let date = |column: usize| -> Result<Option<Timestamp>, Failure> {
        Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_micros))
    };
    let ending = match row.get_ref(9)?.as_str_or_null().map_err(|error| unreadable(&error))? {
        Some(word) => Some(RunOutcome {
            event: event_of(word).ok_or_else(|| unreadable(&"its ending is unknown"))?,
            reason: row.get(10)?,
            at: date(11)?.unwrap_or_default(),
        }),
        None => None,
    };
    Ok(Run {
        id: RunId::new(number).ok_or_else(|| unreadable(&"its number is no number of a run"))?,
        name: RunName::new(text(1)?).map_err(|error| unreadable(&error))?,
        job_id: text(2)?.parse().map_err(|error| unreadable(&error))?,
        state: text(3)?.parse().map_err(|error| unreadable(&error))?,
        created_at: date(4)?.unwrap_or_default(),
        admitted_at: date(12)?,
        finished_at: date(5)?,
        spec: serde_json::from_str(text(6)?).map_err(|error| unreadable(&error))?,
        workers: serde_json::from_str(text(7)?).map_err(|error| unreadable(&error))?,
        ranks: Vec::new(),
        stop_requested_at: date(8)?,
        outcome: ending,
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

/// The word an event is stored as.
pub(super) const fn event_word(event: RunEvent) -> &'static str {
    match event {
        RunEvent::Start => "start",
        RunEvent::Finish => "finish",
        RunEvent::Fail => "fail",
        RunEvent::Stop => "stop",
    }
}

fn event_of(word: &str) -> Option<RunEvent> {
    let events = [RunEvent::Start, RunEvent::Finish, RunEvent::Fail, RunEvent::Stop];
    events.into_iter().find(|event| event_word(*event) == word)
}
