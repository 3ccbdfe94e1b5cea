//! The table of chunks: finds, reads, adds and deletes the sealed points of a series.

use std::ops::Range;

use mlbench_core::Timestamp;
use mlbench_core::chunk::{self, ChunkError, Columns, Encoding, Fields, Header, PAGE_POINTS, PageReader};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::position::Position;
use super::value::to_i64;
use crate::sqlite::error::StoreError;

/// How far the points of a chunk are from their final form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i64)]
pub(crate) enum ChunkState {
    /// As a batch brought them.
    Arrived = 0,
    /// Packed, but fewer points than a chunk should have.
    Small = 1,
    /// Packed.
    Full = 2,
}

/// A chunk without its body.
#[derive(Debug)]
pub(crate) struct StoredChunk {
    pub(crate) id: i64,
    pub(crate) state: ChunkState,
    pub(crate) header: Header,
}

const COLUMNS: &str = "id, state, header, series";

fn read(connection: &Connection, row: &Row<'_>) -> Result<StoredChunk, StoreError> {
    let state = match row.get::<_, i64>(1)? {
        0 => ChunkState::Arrived,
        1 => ChunkState::Small,
        _ => ChunkState::Full,
    };
    let header = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
    let header =
        Header::parse(header).map_err(|error| damaged(connection, row.get(3).unwrap_or(0), &error))?;
    Ok(StoredChunk { id: row.get(0)?, state, header })
}

/// The error of a damaged chunk, which names its series.
fn damaged(connection: &Connection, series: i64, error: &ChunkError) -> StoreError {
    let sql = "SELECT s.name, s.owner_kind, s.owner, p.name FROM series s LEFT JOIN pod p ON p.id = s.owner \
               WHERE s.id = ?1";
    let owner = |row: &Row<'_>| {
        let name: String = row.get(0)?;
        Ok(match row.get::<_, i64>(1)? {
            0 => format!("series {name:?} of pod {}", row.get::<_, String>(3)?),
            _ => format!("series {name:?} of run {}", row.get::<_, i64>(2)?),
        })
    };
    let named = connection.prepare(sql).and_then(|mut statement| statement.query_row([series], owner));
    let named = named.unwrap_or_else(|_| format!("series number {series}"));
    StoreError::corrupt("points", format_args!("a chunk of {named}: {error}"))
}

/// Returns the chunk with the first of all points after a position. It may begin before that position.
pub(crate) fn next(
    connection: &Connection,
    series: i64,
    after: Position,
) -> Result<Option<StoredChunk>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM chunk WHERE series = ?1 AND (last_date, last_seq) > (?2, ?3) \
         ORDER BY last_date, last_seq LIMIT 1"
    );
    find(connection, &sql, series, after)
}

/// Returns the chunk with the last of all points before a position. It may end at that position or after it.
pub(crate) fn previous(
    connection: &Connection,
    series: i64,
    before: Position,
) -> Result<Option<StoredChunk>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM chunk WHERE series = ?1 AND (last_date, last_seq) >= (?2, ?3) \
         ORDER BY last_date, last_seq LIMIT 1"
    );
    if let Some(chunk) = find(connection, &sql, series, before)?.filter(|c| c.header.first() < before) {
        return Ok(Some(chunk));
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM chunk WHERE series = ?1 AND (last_date, last_seq) < (?2, ?3) \
         ORDER BY last_date DESC, last_seq DESC LIMIT 1"
    );
    find(connection, &sql, series, before)
}

fn find(
    connection: &Connection,
    sql: &str,
    series: i64,
    position: Position,
) -> Result<Option<StoredChunk>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([series, position.0.as_micros(), position.1])?;
    rows.next()?.map(|row| read(connection, row)).transpose()
}

/// Passes the chunks with points that arrived in (`after`, `upto`] to `each`, until that returns `false`.
pub(crate) fn each_arrived(
    connection: &Connection,
    series: i64,
    (after, upto): (i64, i64),
    mut each: impl FnMut(StoredChunk) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM chunk WHERE id IN \
         (SELECT id FROM chunk WHERE series = ?1 AND max_seq > ?2 AND min_seq <= ?3)"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([series, after, upto])?;
    while let Some(row) = rows.next()? {
        if !each(read(connection, row)?)? {
            break;
        }
    }
    Ok(())
}

/// Returns the position of the first point of all chunks with points that arrived after `seq`.
pub(crate) fn first_arrived(
    connection: &Connection,
    series: i64,
    seq: i64,
) -> Result<Option<Position>, StoreError> {
    let sql = "SELECT first_date, first_seq FROM chunk WHERE id IN \
               (SELECT id FROM chunk WHERE series = ?1 AND max_seq > ?2) ORDER BY first_date, first_seq LIMIT 1";
    let position = |row: &Row<'_>| Ok((Timestamp::from_micros(row.get(0)?), row.get(1)?));
    Ok(connection.prepare_cached(sql)?.query_row([series, seq], position).optional()?)
}

impl StoredChunk {
    /// Decodes the pages with the points in `range`. Returns them and the number of the first.
    pub(crate) fn decode(
        &self,
        connection: &Connection,
        range: Range<usize>,
        fields: Fields,
    ) -> Result<(usize, Columns), StoreError> {
        let pages = range.start / PAGE_POINTS..range.end.div_ceil(PAGE_POINTS);
        let columns = self
            .with_body(connection, |body| chunk::decode_pages(&self.header, body, fields, pages.clone()))?;
        Ok((pages.start * PAGE_POINTS, columns))
    }

    /// Passes the body to `work`, whose error is that the chunk is damaged.
    pub(crate) fn with_body<T>(
        &self,
        connection: &Connection,
        work: impl FnOnce(&[u8]) -> Result<T, ChunkError>,
    ) -> Result<T, StoreError> {
        let mut statement = connection.prepare_cached("SELECT body, series FROM chunk WHERE id = ?1")?;
        let mut rows = statement.query([self.id])?;
        let Some(row) = rows.next()? else { return Err(StoreError::corrupt("chunk", "it has gone")) };
        let body = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
        work(body).map_err(|error| damaged(connection, row.get(1).unwrap_or(0), &error))
    }

    /// Returns the number of the first page that may have points after a position.
    pub(crate) fn page_of(&self, position: Position) -> usize {
        let pages = self.header.pages();
        pages.partition_point(|page| page.start < position.0).saturating_sub(1)
    }
}

/// Returns the ids of the chunks of a series, in the order of their points.
pub(crate) fn ids(connection: &Connection, series: i64) -> rusqlite::Result<Vec<i64>> {
    let sql = "SELECT id FROM chunk WHERE series = ?1 ORDER BY last_date, last_seq";
    connection.prepare_cached(sql)?.query_map([series], |row| row.get(0))?.collect()
}

/// Checks the checksums of a chunk, and that its row agrees with its header. Returns what is damaged.
pub(crate) fn check(connection: &Connection, id: i64) -> Result<Result<Header, String>, StoreError> {
    let sql = "SELECT count, first_date, first_seq, last_date, last_seq, min_seq, max_seq, header, body \
               FROM chunk WHERE id = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([id])?;
    let Some(row) = rows.next()? else { return Ok(Err("it has gone".to_owned())) };
    let blob = |column| row.get_ref(column)?.as_blob().map_err(rusqlite::Error::from);
    let (header, body) = (blob(7)?, blob(8)?);
    let parsed = Header::parse(header)
        .and_then(|header| PageReader::new(&header, body, Fields::default()).map(|_| header));
    let header = match parsed {
        Ok(header) => header,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let ((first_date, first_seq), (last_date, last_seq)) = (header.first(), header.last());
    let (first_date, last_date, seqs) = (first_date.as_micros(), last_date.as_micros(), header.seqs());
    let expected = [to_i64(header.count()), first_date, first_seq, last_date, last_seq, seqs.0, seqs.1];
    for (column, expected) in expected.into_iter().enumerate() {
        if row.get::<_, i64>(column)? != expected {
            return Ok(Err("header: does not agree with its row".to_owned()));
        }
    }
    Ok(Ok(header))
}

/// Returns whether a chunk has its first and last point around or within these positions.
pub(crate) fn overlaps(
    connection: &Connection,
    series: i64,
    first: Position,
    last: Position,
) -> Result<bool, StoreError> {
    let sql = "SELECT first_date, first_seq FROM chunk WHERE series = ?1 AND (last_date, last_seq) >= (?2, ?3) \
               ORDER BY last_date, last_seq LIMIT 1";
    let position = |row: &Row<'_>| Ok((Timestamp::from_micros(row.get(0)?), row.get(1)?));
    let found: Option<Position> = connection
        .prepare_cached(sql)?
        .query_row([series, first.0.as_micros(), first.1], position)
        .optional()?;
    Ok(found.is_some_and(|first_of_chunk| first_of_chunk <= last))
}

/// Adds a chunk of sorted points.
pub(crate) fn insert(
    connection: &Connection,
    series: i64,
    state: ChunkState,
    encoded: &chunk::Encoded,
) -> Result<(), StoreError> {
    let header = Header::parse(&encoded.header).map_err(|error| damaged(connection, series, &error))?;
    let ((first_date, first_seq), (last_date, last_seq)) = (header.first(), header.last());
    let (min_seq, max_seq) = header.seqs();
    let sql = "INSERT INTO chunk (series, count, first_date, first_seq, last_date, last_seq, min_seq, max_seq, state, \
                   header, body) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    connection.prepare_cached(sql)?.execute(params![
        series,
        to_i64(header.count()),
        first_date.as_micros(),
        first_seq,
        last_date.as_micros(),
        last_seq,
        min_seq,
        max_seq,
        state as i64,
        encoded.header,
        encoded.body,
    ])?;
    Ok(())
}

/// Encodes points and adds them as a chunk that has just arrived.
pub(crate) fn insert_arrived(
    connection: &Connection,
    series: i64,
    points: &Columns,
) -> Result<(), StoreError> {
    insert(connection, series, ChunkState::Arrived, &chunk::encode(points, Encoding::Plain))
}

/// Deletes a chunk. Returns whether it was there.
pub(crate) fn delete(connection: &Connection, id: i64) -> rusqlite::Result<bool> {
    Ok(connection.prepare_cached("DELETE FROM chunk WHERE id = ?1")?.execute([id])? > 0)
}

/// Deletes up to `limit` chunks of a series. Returns how many it deleted.
pub(crate) fn delete_some(connection: &Connection, series: i64, limit: u32) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM chunk WHERE id IN (SELECT id FROM chunk WHERE series = ?1 LIMIT ?2)";
    connection.prepare_cached(sql)?.execute(params![series, limit])
}
