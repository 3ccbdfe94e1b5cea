//! What is read from a file in one step.

use std::collections::BTreeMap;

use mlbench_client::{MetricName, MetricValue, ParamValue, Timestamp};

/// Points of a batch. A record or a row is never split, so a batch may have up to [`MAX_PER_RECORD`] more.
pub(super) const MAX_POINTS: usize = 40_000;
/// Most points of one record or row.
pub(super) const MAX_PER_RECORD: usize = 50_000;
/// Bytes after which a batch is full, also where few of them are points.
const MAX_BYTES: u64 = 128 << 20;

/// One value of a metric.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    pub(super) name: MetricName,
    pub(super) value: MetricValue,
    pub(super) date: Option<Timestamp>,
    pub(super) step: Option<i64>,
    pub(super) epoch: Option<f64>,
}

/// Where the next step begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub(super) struct Position {
    /// Bytes before it.
    pub(super) byte: u64,
    /// Lines before it, in a file of lines.
    pub(super) line: u64,
}

/// How the end of a file counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// More is to come. Only files that have grown are read, and what is not whole waits.
    Growing,
    /// No look follows. What is not whole is left out, as its rest may be on its way.
    Rest,
    /// Nothing is to come. A last row counts without its end.
    Last,
}

/// Why a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// The batch is full, and more may follow.
    Full,
    /// The file ends here.
    End,
    /// The file ends within a record or row, as one does that is being written.
    Incomplete,
    /// Nothing behind this position can be read.
    Damaged(String),
}

/// What a step has read.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) points: Vec<Point>,
    pub(super) params: Vec<(String, ParamValue)>,
    /// What is no metric, by kind.
    pub(super) left_out: BTreeMap<String, u64>,
    /// Rows and cells that cannot be read, the first of them each with its place.
    pub(super) bad: Bad,
    /// Where the next step begins.
    pub(super) end: Position,
    pub(super) stop: Stop,
}

impl Batch {
    /// Returns an empty batch that begins here.
    pub(super) fn at(begin: Position) -> Self {
        Self {
            points: Vec::new(),
            params: Vec::new(),
            left_out: BTreeMap::new(),
            bad: Bad::default(),
            end: begin,
            stop: Stop::Full,
        }
    }

    /// Returns whether a batch that began here is full.
    pub(super) fn is_full(&self, begin: Position) -> bool {
        self.points.len() >= MAX_POINTS || self.end.byte.saturating_sub(begin.byte) >= MAX_BYTES
    }

    /// Counts something that is no metric.
    pub(super) fn leave_out(&mut self, kind: &str) {
        match self.left_out.get_mut(kind) {
            Some(count) => *count += 1,
            None => {
                self.left_out.insert(kind.to_owned(), 1);
            }
        }
    }
}

/// Rows and cells that cannot be read.
#[derive(Debug, Default)]
pub(super) struct Bad {
    pub(super) count: u64,
    /// The first of them.
    pub(super) reports: Vec<String>,
}

impl Bad {
    /// Reports of a batch. The others are only counted.
    const MAX_REPORTS: usize = 10;

    pub(super) fn add(&mut self, report: impl FnOnce() -> String) {
        self.count += 1;
        if self.reports.len() < Self::MAX_REPORTS {
            self.reports.push(report());
        }
    }
}
