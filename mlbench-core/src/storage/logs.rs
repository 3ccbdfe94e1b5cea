//! Types for storing and reading the output of runs.

use crate::run::OutputStream;
use crate::time::Timestamp;

/// A chunk of a rank's output that consists of whole lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputChunk {
    /// The rank.
    pub rank: u32,
    /// The stream of the rank.
    pub stream: OutputStream,
    /// Byte offset of the start of the chunk, equal to the stored offset.
    pub from: u64,
    /// Byte offset of the end of the chunk.
    pub to: u64,
    /// The lines without their line endings.
    pub lines: Vec<String>,
    /// Time when the lines came.
    pub date: Timestamp,
}

/// A query for lines of a run's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogQuery {
    /// Only lines of this stream.
    pub stream: Option<OutputStream>,
    /// Only lines of this rank.
    pub rank: Option<u32>,
    /// Which of the remaining lines to return.
    pub part: LogPart,
}

/// A part of the lines that match a [`LogQuery`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogPart {
    /// The first `limit` lines with a sequence number above `seq`.
    After {
        /// Sequence number of the last line already read, or 0.
        seq: i64,
        /// Maximum number of lines.
        limit: u32,
    },
    /// The last lines, at most this many.
    Last(u32),
    /// The last `limit` lines with a sequence number below `seq`.
    Before {
        /// Sequence number of the first line already read.
        seq: i64,
        /// Maximum number of lines.
        limit: u32,
    },
}
