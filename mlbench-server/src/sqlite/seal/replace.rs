//! Replaces rows and chunks by the sealed chunks of their points, in one transaction.

use mlbench_core::Error;
use mlbench_core::chunk::{Columns, Encoded, Encoding, encode};
use rusqlite::{Connection, params};

use super::plan::{Plan, Sizes};
use crate::sqlite::error::StoreError;
use crate::sqlite::metrics::arrival;
use crate::sqlite::metrics::chunks::{self, ChunkState};
use crate::sqlite::metrics::position::Position;
use crate::sqlite::metrics::rows::MAX_TEXT_BYTES;

/// Sealed points, and what they replace.
pub(crate) struct Replacement {
    series: i64,
    state: ChunkState,
    encoded: Vec<Encoded>,
    chunks: Vec<i64>,
    rows: usize,
    first: Position,
    last: Position,
    /// The lowest and the highest arrival number of the points.
    seqs: (i64, i64),
    as_of: i64,
}

impl Replacement {
    /// Encodes the points of a plan, in chunks of nearly equal size.
    pub(crate) fn encode(plan: Plan, sizes: Sizes) -> Self {
        let Plan { series, points, state, chunks, rows, first, last, as_of } = plan;
        let count = points.len();
        let by_count = (count + sizes.full / 2) / sizes.full;
        let parts = by_count.max(points.text_bytes() / MAX_TEXT_BYTES).clamp(1, count);
        let bound = |part: usize| part * count / parts;
        let encoded = (0..parts).map(|part| {
            let range = bound(part)..bound(part + 1);
            if range.len() == count {
                return encode(&points, Encoding::Packed);
            }
            let mut columns = Columns::with_capacity(range.len());
            columns.append_from(&points, range);
            encode(&columns, Encoding::Packed)
        });
        let encoded = encoded.collect();
        let seqs =
            points.seqs().iter().fold((i64::MAX, 0), |(low, high), seq| (low.min(*seq), high.max(*seq)));
        Self { series, state, encoded, chunks, rows, first, last, seqs, as_of }
    }

    /// Estimates the memory that this takes, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.encoded.iter().map(|encoded| encoded.header.len() + encoded.body.len()).sum()
    }

    /// Writes the chunks and deletes what they replace.
    ///
    /// # Errors
    /// [`NotFound`](mlbench_core::ErrorCode::NotFound) when something of that has gone: its run was deleted.
    pub(crate) fn write(&self, connection: &Connection) -> Result<(), StoreError> {
        let gone = || StoreError::Domain(Error::not_found("what was to be sealed"));
        for id in &self.chunks {
            if !chunks::delete(connection, *id)? {
                return Err(gone());
            }
        }
        if self.rows > 0 {
            let sql = "DELETE FROM point WHERE series = ?1 AND (date, seq) >= (?2, ?3) AND (date, seq) <= (?4, ?5) \
                       AND seq <= ?6";
            let (first, last) = (self.first, self.last);
            let values =
                params![self.series, first.0.as_micros(), first.1, last.0.as_micros(), last.1, self.as_of];
            if connection.prepare_cached(sql)?.execute(values)? != self.rows {
                return Err(gone());
            }
            let arrived = (self.seqs.0 - 1, self.seqs.1);
            arrival::delete_between(connection, self.series, (first, last), arrived)?;
        }
        for encoded in &self.encoded {
            chunks::insert(connection, self.series, self.state, encoded)?;
        }
        Ok(())
    }
}
