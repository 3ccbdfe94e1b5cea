//! The result of storing many metrics together.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode};

/// The result of a batch and the response of `POST /api/metrics/batch/`.
///
/// A rejected point does not affect the others.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct BatchResult {
    /// Number of stored points.
    pub accepted: u64,
    /// Number of rejected points.
    pub rejected_count: u64,
    /// The first [`BatchResult::MAX_LISTED`] rejected points, in request order.
    pub rejected: Vec<RejectedPoint>,
    /// Number of the last line that was processed, from 1, and 0 for none. Only for NDJSON uploads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub last_line: Option<u64>,
}

/// A point that was not stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct RejectedPoint {
    /// Index of the array element or of the line in the request, from 0.
    pub index: u64,
    /// Index of the point in the arrays of a series, from 0.
    ///
    /// Only for series, and absent if the series is rejected as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub item: Option<u64>,
    /// The error code that a single `POST` of the point would return.
    pub code: ErrorCode,
    /// The error message that a single `POST` of the point would return.
    pub message: String,
}

impl BatchResult {
    /// Maximum number of rejected points that are listed.
    pub const MAX_LISTED: usize = 1_000;

    /// Counts a point that is not stored.
    pub fn reject(&mut self, index: u64, error: &Error) {
        self.rejected_count += 1;
        self.list(index, None, error);
    }

    /// Counts a point of a series that is not stored.
    pub fn reject_item(&mut self, index: u64, item: u64, error: &Error) {
        self.rejected_count += 1;
        self.list(index, Some(item), error);
    }

    /// Counts a series of `items` points of which none is stored. Lists it once.
    pub fn reject_series(&mut self, index: u64, items: u64, error: &Error) {
        self.rejected_count += items;
        if items > 0 {
            self.list(index, None, error);
        }
    }

    fn list(&mut self, index: u64, item: Option<u64>, error: &Error) {
        if self.rejected.len() < Self::MAX_LISTED {
            let (code, message) = (error.code(), error.detail().to_owned());
            self.rejected.push(RejectedPoint { index, item, code, message });
        }
    }

    /// Adds the result of the points that follow.
    pub fn add(&mut self, next: Self) {
        // A client adds what a server sent, which may be any number.
        self.accepted = self.accepted.saturating_add(next.accepted);
        self.rejected_count = self.rejected_count.saturating_add(next.rejected_count);
        self.rejected.extend(next.rejected);
        self.rejected.truncate(Self::MAX_LISTED);
        self.last_line = next.last_line.or(self.last_line);
    }
}
