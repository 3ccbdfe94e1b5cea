//! Runs of other servers. One that is imported is invisible until it is whole.
//!
//! The column `deletion` hides it, as it hides deleted runs, and the purge deletes what an interrupted import has left.

use std::io::{self, Read as _, Write as _};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use mlbench_core::log::LogLine;
use mlbench_core::run::Run;
use mlbench_core::storage::{ImportPart, KeyedRequest};
use mlbench_core::{Error, ErrorCode, RunId, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::labels::json;
use super::output::LogWriter;
use super::rows::{self, event_name};
use super::{changed, labels};
use crate::sqlite::error::StoreError;
use crate::sqlite::idempotency::{self, Keyed, KeyedEndpoint};
use crate::sqlite::identity;
use crate::sqlite::metrics::arrival;
use crate::sqlite::metrics::insert::insert_of;
use crate::sqlite::metrics::owner::OwnerRow;
use crate::sqlite::metrics::recent::Arrivals;

/// Estimates the memory that a part takes while it is queued, in bytes.
pub(crate) fn memory_bytes(part: &ImportPart) -> usize {
    match part {
        ImportPart::Points(points) => points.iter().map(crate::sqlite::metrics::insert::memory_bytes).sum(),
        ImportPart::Lines(lines) => lines.iter().map(|line| size_of::<LogLine>() + line.text.len()).sum(),
        ImportPart::Usage(text) => text.len(),
    }
}

/// Gives up every import that has not ended. Returns whether there was one.
///
/// One run is imported at a time.
pub(crate) fn abandon(connection: &Connection) -> Result<bool, StoreError> {
    Ok(connection.prepare_cached("UPDATE run SET deletion = 2 WHERE deletion < 0")?.execute([])? > 0)
}

/// Stores the facts of a run that nothing shows yet. Returns its id.
pub(crate) fn begin(connection: &Connection, run: &Run) -> Result<RunId, StoreError> {
    abandon(connection)?;
    let outcome = run.outcome.as_ref();
    let sql = "INSERT INTO run (name, job_id, state, created_at, admitted_at, finished_at, stop_requested_at, \
                   outcome_event, outcome_reason, outcome_at, spec, workers, imported, deletion) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, -1)";
    let id = connection.prepare_cached(sql)?.insert(params![
        run.name.as_str(),
        run.job_id.to_string(),
        run.state.as_str(),
        run.created_at.as_micros(),
        run.admitted_at.map(Timestamp::as_micros),
        run.finished_at.map(Timestamp::as_micros),
        run.stop_requested_at.map(Timestamp::as_micros),
        outcome.map(|outcome| event_name(outcome.event)),
        outcome.and_then(|outcome| outcome.reason.as_deref()),
        outcome.map(|outcome| outcome.at.as_micros()),
        json(&run.spec)?,
        json(&run.workers)?,
        run.imported_from.as_ref().map(json).transpose()?,
    ])?;
    let sql = "INSERT INTO run_rank (run, rank, stdout_offset, stderr_offset, exit_code, lost) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let mut insert = connection.prepare_cached(sql)?;
    for rank in &run.ranks {
        let [stdout, stderr] =
            [rank.stdout_offset, rank.stderr_offset].map(|offset| i64::try_from(offset).unwrap_or(i64::MAX));
        insert.execute(params![id, rank.rank, stdout, stderr, rank.exit_code, rank.lost])?;
    }
    let id = RunId::new(id).ok_or_else(|| Error::internal("the database assigned a run id below 1"))?;
    labels::store(connection, id, &run.params, &run.tags)?;
    Ok(id)
}

/// Stores a part of a run that is imported.
pub(crate) fn store(
    connection: &Connection,
    arrivals: &Arrivals,
    id: RunId,
    part: &ImportPart,
) -> Result<(), StoreError> {
    check_importing(connection, id)?;
    match part {
        ImportPart::Points(points) => insert_of(connection, arrivals, OwnerRow::run(id.get()), points),
        ImportPart::Lines(lines) => {
            let mut log = LogWriter::open(connection, id, lines.len())?;
            lines.iter().try_for_each(|line| log.push(line.stream, line.rank, line.date, &line.text))
        }
        ImportPart::Usage(text) => {
            let seq = arrival::reserve(connection, 1)? + 1;
            let text = compress(text).map_err(Error::internal)?;
            let sql = "INSERT INTO imported_usage (run, seq, text) VALUES (?1, ?2, ?3)";
            connection.prepare_cached(sql)?.execute(params![id.get(), seq, text])?;
            Ok(())
        }
    }
}

/// Shows a run that is whole, and returns it.
pub(crate) fn finish(
    connection: &Connection,
    id: RunId,
    key: Option<&KeyedRequest>,
    now: Timestamp,
) -> Result<Run, StoreError> {
    check_importing(connection, id)?;
    identity::touch(connection, now)?;
    connection.prepare_cached("UPDATE run SET deletion = 0 WHERE id = ?1")?.execute([id.get()])?;
    changed::mark(connection, id)?;
    if let Some(key) = key {
        idempotency::remember(connection, Keyed::whole(KeyedEndpoint::Runs, key), &id, now)?;
        idempotency::expire(connection, 1, now)?;
    }
    rows::get(connection, id)
}

fn check_importing(connection: &Connection, id: RunId) -> Result<(), StoreError> {
    let sql = "SELECT 1 FROM run WHERE id = ?1 AND deletion < 0";
    if connection.prepare_cached(sql)?.exists([id.get()])? {
        return Ok(());
    }
    let detail = "the import was given up for another one; send the archive again";
    Err(Error::new(ErrorCode::Unavailable, detail).into())
}

/// Reads the next lines about the usage of the pods of an imported run, with their number.
pub(crate) fn usage(
    connection: &Connection,
    id: RunId,
    after: i64,
) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
    rows::ensure_exists(connection, id)?;
    let sql = "SELECT seq, text FROM imported_usage WHERE run = ?1 AND seq > ?2 ORDER BY seq LIMIT 1";
    let found: Option<(i64, Vec<u8>)> = connection
        .prepare_cached(sql)?
        .query_row([id.get(), after], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((seq, text)) = found else { return Ok(None) };
    let mut lines = Vec::new();
    ZlibDecoder::new(&*text)
        .read_to_end(&mut lines)
        .map_err(|error| StoreError::corrupt(&format!("usage of run {id}"), error))?;
    Ok(Some((seq, lines)))
}

/// Returns the runs of which the usage of the pods cannot be read, `most` at most.
pub(crate) fn damaged_usage(connection: &Connection, most: usize) -> Result<Vec<i64>, StoreError> {
    let mut statement = connection.prepare("SELECT run, text FROM imported_usage ORDER BY run, seq")?;
    let mut rows = statement.query([])?;
    let mut damaged = Vec::new();
    while let Some(row) = rows.next()?
        && damaged.len() < most
    {
        let (run, text): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
        let is_whole = io::copy(&mut ZlibDecoder::new(&*text), &mut io::sink()).is_ok();
        if !is_whole && damaged.last() != Some(&run) {
            damaged.push(run);
        }
    }
    Ok(damaged)
}

fn compress(text: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text)?;
    encoder.finish()
}
