//! The output of runs.

use serde::{Deserialize, Serialize};

use crate::api::Fields;
use crate::error::Result;
use crate::run::OutputStream;
use crate::storage::{LogPart, LogQuery};
use crate::time::Timestamp;

/// One line of a run's output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Ascending within a run, across ranks and streams.
    pub seq: i64,
    /// When the server read it.
    pub date: Timestamp,
    /// The rank that wrote it; `null` for notes of the server.
    pub rank: Option<u32>,
    /// Where it was written to.
    pub stream: OutputStream,
    /// The line without its line end.
    pub text: String,
}

impl LogLine {
    /// `[rank] text`, as `job_metadata` has it; `[mlbench] text` for notes of the server.
    #[must_use]
    pub fn labelled(&self) -> String {
        match self.rank {
            Some(rank) => format!("[{rank}] {}", self.text),
            None => format!("[mlbench] {}", self.text),
        }
    }
}

/// The answer of `GET /api/runs/{id}/logs/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPage {
    /// The lines in order.
    pub lines: Vec<LogLine>,
    /// The `after` that goes on from here; the one that was asked for when there was nothing new.
    pub next: i64,
}

/// The query of `GET /api/runs/{id}/logs/`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogsQuery {
    /// Only this stream.
    pub stream: Option<OutputStream>,
    /// Only this rank.
    pub rank: Option<u32>,
    /// Only lines after this sequence number.
    pub after: Option<i64>,
    /// At most so many lines: 1 to 10,000, default 1,000.
    pub limit: Option<u32>,
}

impl LogsQuery {
    /// Lines of an answer when the query does not say.
    pub const DEFAULT_LIMIT: u32 = 1_000;
    /// The most lines of an answer.
    pub const MAX_LIMIT: u32 = 10_000;

    /// Reads the query.
    ///
    /// # Errors
    /// Naming the parameter.
    pub fn from_fields(mut fields: Fields) -> Result<Self> {
        let streams = [("stdout", OutputStream::Stdout), ("stderr", OutputStream::Stderr)];
        let query = Self {
            stream: fields.one_of("stream", &streams)?,
            rank: fields.integer("rank", 0, u32::MAX)?,
            after: fields.parsed::<u64>("after")?.map(|seq| i64::try_from(seq).unwrap_or(i64::MAX)),
            limit: fields.integer("limit", 1, Self::MAX_LIMIT)?,
        };
        fields.finish()?;
        Ok(query)
    }

    /// The pairs of the query string.
    #[must_use]
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        pairs.extend(self.stream.map(|stream| ("stream", stream.as_str().to_owned())));
        pairs.extend(self.rank.map(|rank| ("rank", rank.to_string())));
        pairs.extend(self.after.map(|seq| ("after", seq.to_string())));
        pairs.extend(self.limit.map(|limit| ("limit", limit.to_string())));
        pairs
    }

    /// What the store is asked for.
    #[must_use]
    pub fn to_storage(&self) -> LogQuery {
        let limit = self.limit.unwrap_or(Self::DEFAULT_LIMIT);
        let part = LogPart::After { seq: self.after.unwrap_or(0), limit };
        LogQuery { stream: self.stream, rank: self.rank, part }
    }
}
