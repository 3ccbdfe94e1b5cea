//! Decides what to seal next of a series, and reads it.
//!
//! A plan replaces consecutive points by chunks of them. It begins at the first row or small chunk, and takes what follows
//! until there is enough for a full chunk.

use mlbench_core::Timestamp;
use mlbench_core::chunk::Columns;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::sqlite::error::StoreError;
use crate::sqlite::metrics::arrival;
use crate::sqlite::metrics::blocks::{Blocks, position};
use crate::sqlite::metrics::chunks::{self, ChunkState, StoredChunk};
use crate::sqlite::metrics::position::{Position, just_before};
use crate::sqlite::metrics::rows::{MAX_TEXT_BYTES, Rows, SeriesRows};

/// The most rows among the points of a chunk that a plan takes.
const MAX_ROWS_AMONG: usize = 16_384;
/// Fewer rows among the points of a full chunk than this wait until the series is idle.
const MIN_ROWS_AMONG: usize = 256;
/// How many places a plan looks at.
const MAX_LOOKS: u32 = 64;
/// The position after all points.
const END: Position = (Timestamp::MAX, i64::MAX);

/// How points are sealed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    /// Points of a full chunk.
    pub(crate) full: usize,
    /// Points that are worth a small chunk.
    pub(crate) small: usize,
}

/// Points to seal, and what they replace.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(super) series: i64,
    pub(super) points: Columns,
    pub(super) state: ChunkState,
    /// The chunks whose points these are.
    pub(super) chunks: Vec<i64>,
    /// How many of the points are rows. They lie between `first` and `last`.
    pub(super) rows: usize,
    pub(super) first: Position,
    pub(super) last: Position,
    /// Rows that arrived later stay.
    pub(super) as_of: i64,
}

/// What a look at a series found.
#[derive(Debug)]
pub(crate) enum Look {
    /// Something to seal. More may follow.
    Seal(Box<Plan>),
    /// Nothing yet: so many points wait for more.
    Wait(usize),
}

/// Plans what to seal next of a series. Everything is sealed if the series is idle.
pub(crate) fn plan(
    connection: &Connection,
    series: i64,
    is_idle: bool,
    sizes: Sizes,
) -> Result<Look, StoreError> {
    let (mut from, mut waiting) = ((Timestamp::EPOCH, 0), 0);
    for _ in 0..MAX_LOOKS {
        let Some(begin) = first_unsealed(connection, series, from)? else { break };
        let mut gathered = Gathered::new(connection, series, just_before(begin));
        let stopped_by = gathered.fill(sizes, is_idle)?;
        let unsealed = gathered.unsealed;
        let is_worth_it = is_idle || unsealed >= sizes.small;
        let state = match stopped_by {
            End::Enough => Some(ChunkState::Full),
            End::FullChunk(chunk) if is_worth_it && gathered.points.len() < sizes.full / 4 => {
                gathered.take_chunk(&chunk)?;
                Some(ChunkState::Full)
            }
            End::FullChunk(_) if is_worth_it => Some(ChunkState::Full),
            End::Last if is_idle && gathered.is_one_small_chunk() => None,
            End::Last if is_worth_it => Some(ChunkState::Small),
            End::FullChunk(_) | End::Last => None,
        };
        if let Some(state) = state.filter(|_| !gathered.points.is_empty()) {
            let as_of = arrival::last(connection)?;
            return Ok(Look::Seal(Box::new(gathered.into_plan(state, as_of))));
        }
        waiting += unsealed;
        from = gathered.after;
    }
    Ok(Look::Wait(waiting))
}

/// Returns the first position after `from` at which a row or a small chunk is.
fn first_unsealed(
    connection: &Connection,
    series: i64,
    from: Position,
) -> Result<Option<Position>, StoreError> {
    let rows = SeriesRows { connection, series, details: false }.after(from, END, 1)?.points;
    let row = (!rows.is_empty()).then(|| position(&rows, 0));
    let sql = "SELECT first_date, first_seq FROM chunk WHERE series = ?1 AND state < 2 \
               AND (last_date, last_seq) > (?2, ?3) ORDER BY last_date, last_seq LIMIT 1";
    let read = |row: &Row<'_>| Ok((Timestamp::from_micros(row.get(0)?), row.get(1)?));
    let values = params![series, from.0.as_micros(), from.1];
    let chunk: Option<Position> = connection.prepare_cached(sql)?.query_row(values, read).optional()?;
    Ok(row.into_iter().chain(chunk).min())
}

/// Why no more was gathered.
enum End {
    /// There is enough for a full chunk.
    Enough,
    /// A full chunk follows.
    FullChunk(StoredChunk),
    /// The series ends.
    Last,
}

/// Consecutive points of a series.
struct Gathered<'a> {
    connection: &'a Connection,
    series: i64,
    points: Columns,
    chunks: Vec<i64>,
    rows: usize,
    /// How many points are not in packed chunks.
    unsealed: usize,
    first_row: Option<Position>,
    last_row: Position,
    /// Everything up to here was looked at.
    after: Position,
    has_packed: bool,
    /// Whether more rows lie among the points of the last chunk.
    is_cut: bool,
}

impl<'a> Gathered<'a> {
    fn new(connection: &'a Connection, series: i64, after: Position) -> Self {
        Self {
            connection,
            series,
            points: Columns::default(),
            chunks: Vec::new(),
            rows: 0,
            unsealed: 0,
            first_row: None,
            last_row: after,
            after,
            has_packed: false,
            is_cut: false,
        }
    }

    const fn rows(&self) -> SeriesRows<'a> {
        SeriesRows { connection: self.connection, series: self.series, details: true }
    }

    fn fill(&mut self, sizes: Sizes, is_idle: bool) -> Result<End, StoreError> {
        while !self.is_enough(sizes) {
            let chunk = chunks::next(self.connection, self.series, self.after)?;
            let upto = chunk.as_ref().map_or(END, |chunk| just_before(chunk.header.first()));
            if upto > self.after {
                let rows = self.rows().after(self.after, upto, sizes.full - self.points.len())?.points;
                if !rows.is_empty() {
                    self.take_rows(&rows);
                    continue;
                }
            }
            let Some(chunk) = chunk else { return Ok(End::Last) };
            if chunk.state != ChunkState::Full {
                self.take_chunk(&chunk)?;
                continue;
            }
            if !self.points.is_empty() {
                return Ok(End::FullChunk(chunk));
            }
            // A row among the points of a full chunk.
            let (begin, last) = (just_before(chunk.header.first()), chunk.header.last());
            let among = self.rows().after(begin, last, MIN_ROWS_AMONG)?.points.len();
            if is_idle || among >= MIN_ROWS_AMONG {
                self.take_chunk(&chunk)?;
                return Ok(End::Enough);
            }
            (self.unsealed, self.after) = (self.unsealed + among, last);
            return Ok(End::FullChunk(chunk));
        }
        Ok(End::Enough)
    }

    fn take_rows(&mut self, rows: &Columns) {
        let (first, last) = (position(rows, 0), position(rows, rows.len() - 1));
        self.first_row.get_or_insert(first);
        (self.last_row, self.after) = (last, last);
        self.rows += rows.len();
        self.unsealed += rows.len();
        self.points.append_from(rows, 0..rows.len());
    }

    /// Takes a chunk with the rows among its points.
    fn take_chunk(&mut self, chunk: &StoredChunk) -> Result<(), StoreError> {
        let blocks = Blocks { connection: self.connection, series: self.series, details: true };
        let (first, last) = (chunk.header.first(), chunk.header.last());
        let points = blocks.part(chunk, just_before(first), last)?;
        let Rows { points: rows, is_cut } = self.rows().after(just_before(first), last, MAX_ROWS_AMONG)?;
        self.is_cut = is_cut;
        self.unsealed += rows.len() + if chunk.state == ChunkState::Arrived { points.len() } else { 0 };
        self.has_packed |= chunk.state != ChunkState::Arrived;
        self.chunks.push(chunk.id);
        if !rows.is_empty() {
            self.first_row.get_or_insert(position(&rows, 0));
            self.last_row = position(&rows, rows.len() - 1);
            self.rows += rows.len();
        }
        let merged = if rows.is_empty() { points } else { Columns::merge(points, rows) };
        self.points.append_from(&merged, 0..merged.len());
        self.after = last;
        Ok(())
    }

    fn is_enough(&self, sizes: Sizes) -> bool {
        self.is_cut || self.points.len() >= sizes.full || self.points.text_bytes() >= MAX_TEXT_BYTES
    }

    fn is_one_small_chunk(&self) -> bool {
        self.has_packed && self.chunks.len() == 1 && self.rows == 0
    }

    fn into_plan(self, state: ChunkState, as_of: i64) -> Plan {
        let first = self.first_row.unwrap_or(self.after);
        Plan {
            series: self.series,
            points: self.points,
            state,
            chunks: self.chunks,
            rows: self.rows,
            first,
            last: self.last_row,
            as_of,
        }
    }
}
