//! Many metrics in one request: `POST /api/metrics/batch/`.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode};

/// The most points of a JSON array; lines may be any number.
pub const MAX_ARRAY_POINTS: usize = 100_000;

/// What became of a batch: the answer of `POST /api/metrics/batch/`. A bad point never loses the good ones.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BatchResult {
    /// How many points are stored.
    pub accepted: u64,
    /// How many are not.
    pub rejected_count: u64,
    /// The first [`BatchResult::SHOWN`] of those, in their order.
    pub rejected: Vec<RejectedPoint>,
    /// Of a batch of lines: the number of the last line, from 1, that is dealt with and on disk; 0 for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_line: Option<u64>,
}

/// A point that was not stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedPoint {
    /// Its place in the request, from 0: of an array the element, of lines the line.
    pub index: u64,
    /// Why, for programs: what a single post of it would be refused with.
    pub code: ErrorCode,
    /// Why, for people.
    pub message: String,
}

impl BatchResult {
    /// The most points that are listed of those that were rejected.
    pub const SHOWN: usize = 1_000;

    /// Counts a point that is not stored.
    pub fn reject(&mut self, index: u64, error: &Error) {
        self.rejected_count += 1;
        if self.rejected.len() < Self::SHOWN {
            self.rejected.push(RejectedPoint {
                index,
                code: error.code(),
                message: error.detail().to_owned(),
            });
        }
    }

    /// Adds what became of the points that follow.
    pub fn add(&mut self, next: Self) {
        self.accepted += next.accepted;
        self.rejected_count += next.rejected_count;
        self.rejected.extend(next.rejected);
        self.rejected.truncate(Self::SHOWN);
        self.last_line = next.last_line.or(self.last_line);
    }
}
