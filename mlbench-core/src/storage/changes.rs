//! Types for following what changes in the store.

use std::collections::BTreeSet;

use crate::log::LogLine;
use crate::metric::{MetricName, MetricValue, Owner};
use crate::name::{PodName, RunId};
use crate::pod::Pod;
use crate::queue::QueueEntries;
use crate::run::Run;
use crate::time::Timestamp;

/// What a reader of changes wants to know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Interest {
    /// Changes of the list of runs.
    pub runs: bool,
    /// Changes of the list of pods.
    pub pods: bool,
    /// Points of all pods in the cluster.
    pub usage: bool,
    /// State, output and points of these runs.
    pub of_runs: BTreeSet<RunId>,
    /// Points of these pods.
    pub of_pods: BTreeSet<PodName>,
    /// The queue at the end of the last page, also if it has not changed.
    pub queue: bool,
}

impl Interest {
    /// Adds what another reader wants to know.
    pub fn add(&mut self, other: &Self) {
        self.runs |= other.runs;
        self.pods |= other.pods;
        self.usage |= other.usage;
        self.queue |= other.queue;
        self.of_runs.extend(&other.of_runs);
        self.of_pods.extend(other.of_pods.iter().cloned());
    }

    /// Returns whether it includes the state of a run.
    #[must_use]
    pub fn includes_run(&self, id: RunId) -> bool {
        self.runs || self.of_runs.contains(&id)
    }

    /// Returns whether it includes the points of an owner.
    #[must_use]
    pub fn includes_points(&self, owner: &Owner) -> bool {
        match owner {
            Owner::Run(id) => self.of_runs.contains(id),
            Owner::Pod(name) => self.usage || self.of_pods.contains(name),
        }
    }
}

/// A query for changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangesQuery {
    /// Which changes.
    pub interest: Interest,
    /// Only changes with a higher arrival number.
    pub after: i64,
    /// Only changes up to this arrival number. `None` for all in the store.
    pub upto: Option<i64>,
}

/// A page of changes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Changes {
    /// Arrival number up to which the page is complete. The next page begins after it.
    pub upto: i64,
    /// The highest arrival number in the store.
    pub last: i64,
    /// Whether the store remembers all changes since the one that the query names.
    ///
    /// If not, the page is empty and ends at `last`, and the reader must read the state anew.
    pub is_known: bool,
    /// The changes by ascending arrival number.
    pub changes: Vec<Change>,
    /// The series of the points in `changes`.
    pub series: Vec<(Owner, MetricName)>,
    /// The runs that make up the queue, if some are queued, and a run changed or the queue is of interest.
    pub queue: Option<QueueEntries>,
}

/// A change.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Its arrival number.
    pub seq: i64,
    /// What changed.
    pub what: Changed,
}

/// What changed.
#[derive(Debug, Clone, PartialEq)]
pub enum Changed {
    /// A run, as it is now.
    Run(Box<Run>),
    /// A run was deleted.
    Deleted(RunId),
    /// The list of pods, as it is now.
    Pods(Vec<Pod>),
    /// A run wrote a line.
    Line(RunId, LogLine),
    /// A point arrived.
    Point(ArrivedPoint),
}

/// A point that arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct ArrivedPoint {
    /// Index of its series in [`Changes::series`].
    pub series: usize,
    /// Time of the measurement.
    pub date: Timestamp,
    /// The measured value.
    pub value: MetricValue,
    /// Training step of the measurement.
    pub step: Option<i64>,
    /// Training epoch of the measurement.
    pub epoch: Option<f64>,
}
