//! Requests and responses for the output of runs.

use serde::{Deserialize, Serialize};

use super::fields::Fields;
use crate::error::{Error, Result};
use crate::log::LogLine;
use crate::run::OutputStream;

/// The response of `GET /api/runs/{id}/logs/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct LogPage {
    /// The lines by ascending sequence number.
    pub lines: Vec<LogLine>,
    /// Value of `after` for the next page. Equal to the requested one if there are no new lines.
    pub next: i64,
    /// Value of `before` for the page before this one.
    ///
    /// Only in a page that was requested with `before`. `None` when it is known to have the first line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub previous: Option<i64>,
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
    /// The last lines with a lower sequence number, instead of the first ones of all.
    ///
    /// [`LogsQuery::END`] is higher than that of every line.
    pub before: Option<i64>,
    /// Maximum number of lines: 1 to 10,000, default 1,000.
    pub limit: Option<u32>,
}

impl LogsQuery {
    /// Default of `limit`.
    pub const DEFAULT_LIMIT: u32 = 1_000;
    /// Maximum of `limit`.
    pub const MAX_LIMIT: u32 = 10_000;
    /// Value of `before` for the last lines.
    pub const END: i64 = i64::MAX;

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
            before: fields.sequence("before")?,
            limit: fields.integer("limit", 1, Self::MAX_LIMIT)?,
        };
        fields.finish()?;
        if query.after.is_some() && query.before.is_some() {
            return Err(Error::invalid("before", "cannot be combined with after; send only one of them"));
        }
        Ok(query)
    }

    /// Returns the pairs of the query string.
    #[must_use]
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        pairs.extend(self.stream.map(|stream| ("stream", stream.as_str().to_owned())));
        pairs.extend(self.rank.map(|rank| ("rank", rank.to_string())));
        pairs.extend(self.after.map(|seq| ("after", seq.to_string())));
        pairs.extend(self.before.map(|seq| ("before", seq.to_string())));
        pairs.extend(self.limit.map(|limit| ("limit", limit.to_string())));
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Result<LogsQuery> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        LogsQuery::from_fields(Fields::from_pairs(pairs))
    }

    #[test]
    fn a_query_reads_what_it_writes() {
        let query = LogsQuery { rank: Some(1), before: Some(7), limit: Some(3), ..LogsQuery::default() };
        let pairs = query.to_pairs();
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(pairs, [("rank", "1"), ("before", "7"), ("limit", "3")]);
        assert_eq!(parse(&pairs).unwrap(), query);
        let beyond = parse(&[("before", "99999999999999999999999999")]).unwrap();
        assert_eq!(beyond.before, Some(LogsQuery::END));
    }

    #[test]
    fn a_query_has_one_direction() {
        let error = parse(&[("after", "1"), ("before", "3")]).unwrap_err();
        assert_eq!(error.detail(), "before: cannot be combined with after; send only one of them");
        assert!(parse(&[("before", "-1")]).is_err());
    }
}
