//! The output of runs: log lines clustered by stream, with an index to find those of one rank.

use mlbench_core::log::LogLine;
use mlbench_core::quote::shorten_message;
use mlbench_core::run::OutputStream;
use mlbench_core::storage::{LogPart, LogQuery, OutputChunk, SentLine};
use mlbench_core::{RunId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::lifecycle::rank_not_started;
use super::rows;
use crate::sqlite::error::StoreError;
use crate::sqlite::metrics::arrival;

/// Estimates the memory that chunks take while they are queued, in bytes.
pub(crate) fn memory_bytes(chunks: &[OutputChunk]) -> usize {
    let lines = chunks.iter().flat_map(|chunk| &chunk.lines);
    size_of_val(chunks) + lines.map(|line| line.len() + size_of::<String>()).sum::<usize>()
}

/// Stores chunks in their order, and returns the streams of the run that are full.
pub(crate) fn append_all(
    connection: &Connection,
    id: RunId,
    chunks: &[OutputChunk],
    limit: u64,
) -> Result<Vec<OutputStream>, StoreError> {
    for chunk in chunks {
        append(connection, id, chunk, limit)?;
    }
    let mut full = Vec::new();
    for stream in [OutputStream::Stdout, OutputStream::Stderr] {
        if usage(connection, id, stream)?.1 {
            full.push(stream);
        }
    }
    Ok(full)
}

/// Stores a chunk and advances the offset. Does nothing if the chunk does not begin at the stored offset.
fn append(connection: &Connection, id: RunId, chunk: &OutputChunk, limit: u64) -> Result<(), StoreError> {
    rows::ensure_exists(connection, id)?;
    let (select, update) = match chunk.stream {
        OutputStream::Stdout => (
            "SELECT stdout_offset FROM run_rank WHERE run = ?1 AND rank = ?2",
            "UPDATE run_rank SET stdout_offset = ?3 WHERE run = ?1 AND rank = ?2",
        ),
        OutputStream::Stderr | OutputStream::Unknown => (
            "SELECT stderr_offset FROM run_rank WHERE run = ?1 AND rank = ?2",
            "UPDATE run_rank SET stderr_offset = ?3 WHERE run = ?1 AND rank = ?2",
        ),
    };
    let rank = params![id.get(), chunk.rank];
    let stored: Option<i64> =
        connection.prepare_cached(select)?.query_row(rank, |row| row.get(0)).optional()?;
    let stored = stored.ok_or_else(|| rank_not_started(id, chunk.rank))?;
    if u64::try_from(stored).ok() != Some(chunk.from) {
        return Ok(());
    }
    let to = i64::try_from(chunk.to).unwrap_or(i64::MAX);
    connection.prepare_cached(update)?.execute(params![id.get(), chunk.rank, to])?;
    store_lines(connection, id, chunk, limit)
}

/// Stores a message of the server, shortened, unless it is the repeat of one with its date.
///
/// Messages are few and do not count towards the limit.
pub(crate) fn append_server_message(
    connection: &Connection,
    id: RunId,
    text: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    rows::ensure_exists(connection, id)?;
    let (text, stream) = (shorten_message(text), OutputStream::Stderr);
    let sql =
        "SELECT 1 FROM log_line WHERE run = ?1 AND stream = ?2 AND rank IS NULL AND date = ?3 AND text = ?4";
    let same = params![id.get(), stream_id(stream), now.as_micros(), text];
    if connection.prepare_cached(sql)?.exists(same)? {
        return Ok(());
    }
    LogWriter::open(connection, id, 1)?.push(stream, None, now, &text)
}

/// Stores consecutive lines of one stream and date that an external run sent.
pub(super) fn append_sent(
    connection: &Connection,
    id: RunId,
    lines: &[SentLine],
    limit: u64,
) -> Result<(), StoreError> {
    let Some(SentLine { rank, stream, date, .. }) = lines.first() else { return Ok(()) };
    let texts = lines.iter().map(|line| line.text.clone()).collect();
    let chunk = OutputChunk { rank: *rank, stream: *stream, from: 0, to: 0, lines: texts, date: *date };
    store_lines(connection, id, &chunk, limit)
}

fn store_lines(
    connection: &Connection,
    id: RunId,
    chunk: &OutputChunk,
    limit: u64,
) -> Result<(), StoreError> {
    let stream = stream_id(chunk.stream);
    let (mut bytes, mut full) = usage(connection, id, chunk.stream)?;
    if full || chunk.lines.is_empty() {
        return Ok(());
    }
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    // One more for the message that the limit is reached.
    let mut log = LogWriter::open(connection, id, chunk.lines.len() + 1)?;
    for line in &chunk.lines {
        let after = bytes.saturating_add(line_bytes(line));
        if after > limit {
            full = true;
            let text = limit_message(limit, chunk.stream);
            log.push(OutputStream::Stderr, None, chunk.date, &text)?;
            break;
        }
        bytes = after;
        log.push(chunk.stream, Some(chunk.rank), chunk.date, line)?;
    }
    let sql = "INSERT INTO run_output (run, stream, bytes, is_full) VALUES (?1, ?2, ?3, ?4) \
               ON CONFLICT DO UPDATE SET bytes = excluded.bytes, is_full = excluded.is_full";
    connection.prepare_cached(sql)?.execute(params![id.get(), stream, bytes, full])?;
    Ok(())
}

/// Returns the stored bytes of a stream, and whether it has reached the limit.
fn usage(connection: &Connection, id: RunId, stream: OutputStream) -> Result<(i64, bool), StoreError> {
    let sql = "SELECT bytes, is_full FROM run_output WHERE run = ?1 AND stream = ?2";
    let stored = connection
        .prepare_cached(sql)?
        .query_row(params![id.get(), stream_id(stream)], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(stored.unwrap_or_default())
}

/// Returns how much a line counts towards the limit: its text and its line end.
fn line_bytes(line: &str) -> i64 {
    i64::try_from(line.len()).unwrap_or(i64::MAX).saturating_add(1)
}

fn limit_message(limit: i64, stream: OutputStream) -> String {
    let limit = match limit {
        _ if limit >= 1 << 20 && limit % (1 << 20) == 0 => format!("{} MiB", limit >> 20),
        _ => format!("{limit} bytes"),
    };
    format!("output limit of {limit} reached; later lines on {} are discarded", stream.in_words())
}

/// Numbers and stores lines. A line has an arrival number, so numbers ascend across both streams of a run.
pub(super) struct LogWriter<'a> {
    insert: rusqlite::CachedStatement<'a>,
    run: i64,
    seq: i64,
}

impl<'a> LogWriter<'a> {
    /// Reserves numbers for at most `lines` lines.
    pub(super) fn open(connection: &'a Connection, id: RunId, lines: usize) -> Result<Self, StoreError> {
        let seq = arrival::reserve(connection, lines)?;
        let sql = "INSERT INTO log_line (run, stream, seq, date, rank, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        Ok(Self { insert: connection.prepare_cached(sql)?, run: id.get(), seq })
    }

    pub(super) fn push(
        &mut self,
        stream: OutputStream,
        rank: Option<u32>,
        date: Timestamp,
        text: &str,
    ) -> Result<(), StoreError> {
        self.seq += 1;
        self.insert.execute(params![self.run, stream_id(stream), self.seq, date.as_micros(), rank, text])?;
        Ok(())
    }
}

pub(crate) const fn stream_id(stream: OutputStream) -> i64 {
    match stream {
        OutputStream::Stdout => 0,
        OutputStream::Stderr | OutputStream::Unknown => 1,
    }
}

/// Reads lines in the order in which they were stored.
pub(crate) fn lines(connection: &Connection, id: RunId, query: LogQuery) -> Result<Vec<LogLine>, StoreError> {
    rows::ensure_exists(connection, id)?;
    let streams = [OutputStream::Stdout, OutputStream::Stderr];
    let mut lines = Vec::new();
    for stream in streams.into_iter().filter(|stream| query.stream.is_none_or(|wanted| wanted == *stream)) {
        lines.extend(lines_of_stream(connection, id, stream, query)?);
    }
    // Each stream is sorted and has as many lines as the query asks for in total.
    lines.sort_by_key(|line| line.seq);
    match query.part {
        LogPart::After { limit, .. } => lines.truncate(limit as usize),
        LogPart::Last(limit) | LogPart::Before { limit, .. } => {
            drop(lines.drain(..lines.len().saturating_sub(limit as usize)));
        }
    }
    Ok(lines)
}

fn lines_of_stream(
    connection: &Connection,
    id: RunId,
    stream: OutputStream,
    query: LogQuery,
) -> Result<Vec<LogLine>, StoreError> {
    let (bound, seq, limit, order) = match query.part {
        LogPart::After { seq, limit } => ("seq >", seq, limit, "ASC"),
        LogPart::Last(limit) => ("seq <=", i64::MAX, limit, "DESC"),
        LogPart::Before { seq, limit } => ("seq <", seq, limit, "DESC"),
    };
    // Without the hint, SQLite may scan the lines of all ranks to find those of a rank that printed little.
    let (index, condition) = match query.rank {
        Some(_) => ("INDEXED BY log_line_rank", "AND rank = ?5"),
        None => ("", "AND ?5 IS NULL"),
    };
    let sql = format!(
        "SELECT seq, date, rank, text FROM log_line {index} \
         WHERE run = ?1 AND stream = ?2 AND {bound} ?3 {condition} ORDER BY seq {order} LIMIT ?4"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let values = params![id.get(), stream_id(stream), seq, limit, query.rank];
    let lines = statement.query_map(values, |row| read(row, stream))?;
    Ok(lines.collect::<rusqlite::Result<_>>()?)
}

pub(crate) fn read(row: &Row<'_>, stream: OutputStream) -> rusqlite::Result<LogLine> {
    let date = Timestamp::from_micros(row.get(1)?);
    Ok(LogLine { seq: row.get(0)?, date, rank: row.get(2)?, stream, text: row.get(3)? })
}
