//! Requests and responses for the output of runs.

use serde::{Deserialize, Serialize};

use super::fields::Fields;
use crate::error::Result;
use crate::log::LogLine;
use crate::run::OutputStream;
use crate::storage::{LogPart, LogQuery};

/// The response of `GET /api/runs/{id}/logs/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LogPage {
    /// The lines by ascending sequence number.
    pub lines: Vec<LogLine>,
    /// Value of `after` for the next page. Equal to the requested one if there are no new lines.
    pub next: i64,
    /// The newest state of lines without an end, such as progress bars, after the last page.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unfinished: Vec<LogLine>,
}

/// The query of `GET /api/runs/{id}/logs/`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogsQuery {
    /// Only lines of this stream.
    pub stream: Option<OutputStream>,
    /// Only lines of this rank.
    pub rank: Option<u32>,
    /// Only lines with a higher sequence number.
    pub after: Option<i64>,
    /// Maximum number of lines: 1 to 10,000, default 1,000.
    pub limit: Option<u32>,
}

impl LogsQuery {
    /// Default of `limit`.
    pub const DEFAULT_LIMIT: u32 = 1_000;
    /// Maximum of `limit`.
    pub const MAX_LIMIT: u32 = 10_000;

    /// Parses the query.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) or
    /// [`UnknownField`](crate::error::ErrorCode::UnknownField) for the parameter.
    pub fn from_fields(mut fields: Fields) -> Result<Self> {
        let streams = [("stdout", OutputStream::Stdout), ("stderr", OutputStream::Stderr)];
        let query = Self {
            stream: fields.one_of("stream", &streams)?,
            rank: fields.integer("rank", 0, u32::MAX)?,
            after: fields.sequence("after")?,
            limit: fields.integer("limit", 1, Self::MAX_LIMIT)?,
        };
        fields.finish()?;
        Ok(query)
    }

    /// Returns the pairs of the query string.
    #[must_use]
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        pairs.extend(self.stream.map(|stream| ("stream", stream.as_str().to_owned())));
        pairs.extend(self.rank.map(|rank| ("rank", rank.to_string())));
        pairs.extend(self.after.map(|seq| ("after", seq.to_string())));
        pairs.extend(self.limit.map(|limit| ("limit", limit.to_string())));
        pairs
    }

    /// Converts to the query of the store.
    #[must_use]
    pub fn to_storage(&self) -> LogQuery {
        let limit = self.limit.unwrap_or(Self::DEFAULT_LIMIT);
        let part = LogPart::After { seq: self.after.unwrap_or(0), limit };
        LogQuery { stream: self.stream, rank: self.rank, part }
    }
}
