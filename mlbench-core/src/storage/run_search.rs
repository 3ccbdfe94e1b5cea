//! Types for finding runs.

use std::fmt;

use crate::labels::ParamValue;
use crate::name::RunId;
use crate::run::{Run, RunState};
use crate::time::Timestamp;

/// A query for a page of runs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunsSearch {
    /// Only runs in one of these states. Empty for all.
    pub states: Vec<RunState>,
    /// Only runs with such a name.
    pub name: Option<NameFilter>,
    /// Only runs with all of these tags.
    pub tags: Vec<LabelFilter<String>>,
    /// Only runs with all of these parameters.
    pub params: Vec<LabelFilter<ParamValue>>,
    /// Only runs that were accepted at or after this date.
    pub since: Option<Timestamp>,
    /// Order of the runs.
    pub order: RunOrder,
    /// Only runs after this position.
    pub after: Option<RunsCursor>,
    /// Maximum number of runs.
    pub limit: u32,
}

/// What the name of a run must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameFilter {
    /// It contains this lowercase text, in any letter case.
    Contains(String),
    /// It is this text.
    Is(String),
}

impl NameFilter {
    /// Returns whether a name matches.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Contains(part) => name.to_lowercase().contains(part.as_str()),
            Self::Is(whole) => name == whole,
        }
    }
}

/// A parameter or a tag that a run must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelFilter<T> {
    /// Its name.
    pub name: String,
    /// Its value. `None` for any.
    pub value: Option<T>,
}

/// An order of runs. Runs with equal keys are ordered by their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunOrder {
    /// What runs are ordered by.
    pub key: SortKey,
    /// Whether the largest key comes first. Ids descend, too.
    pub descending: bool,
}

/// What runs are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortKey {
    /// Their ids.
    #[default]
    Id,
    /// The times when they were accepted.
    Created,
    /// The times when they ended. Active runs come after all others.
    Finished,
    /// Their names, by code points.
    Name,
    /// Their states, by name.
    State,
    /// The time from acceptance to end. Active runs count as the longest.
    Duration,
}

impl SortKey {
    /// All keys.
    pub const ALL: [Self; 6] =
        [Self::Id, Self::Created, Self::Finished, Self::Name, Self::State, Self::Duration];

    /// Returns the word in a query.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Created => "created",
            Self::Finished => "finished",
            Self::Name => "name",
            Self::State => "state",
            Self::Duration => "duration",
        }
    }
}

impl fmt::Display for RunOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.descending { "-" } else { "" }, self.key.as_str())
    }
}

/// The position of a run in an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunsCursor {
    /// What the run is ordered by.
    pub key: RunKeyValue,
    /// Id of the run.
    pub id: RunId,
}

/// What a run is ordered by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunKeyValue {
    /// An id, a date or a duration in microseconds. The largest number is that of no date.
    Number(i64),
    /// A name or a state.
    Text(String),
}

impl RunsCursor {
    /// Parses the key of a position. `None` for a text that is no such key.
    pub(crate) fn parse(key: SortKey, id: RunId, text: &str) -> Option<Self> {
        let key = match key {
            SortKey::Name | SortKey::State => RunKeyValue::Text(text.to_owned()),
            SortKey::Id | SortKey::Created | SortKey::Finished | SortKey::Duration => {
                RunKeyValue::Number(text.parse().ok()?)
            }
        };
        Some(Self { key, id })
    }
}

impl fmt::Display for RunKeyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// A page of runs that a query selects.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunsFound {
    /// The runs in their order.
    pub runs: Vec<Run>,
    /// Where the next page begins. `None` after the last run.
    pub next: Option<RunsCursor>,
}
