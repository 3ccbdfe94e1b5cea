//! [`Update`]: what the server has said.

use mlbench_client::{
    LogLine, LogPage, NewLines, NewPoints, Pod, PointRecord, PointsByMetric, PointsByOwner, Run, RunId,
    RunValues, RunsChanged,
};

use super::entry::Target;
use crate::failure::Failure;

/// What the server has said, in the order in which it happened.
#[derive(Debug)]
pub(crate) enum Update {
    /// Whether the server is away.
    Away(bool),
    /// All that the overview shows, read anew.
    Overview(Box<Overview>),
    /// Runs changed.
    Runs(RunsChanged),
    /// The list of pods changed.
    Pods(Vec<Pod>),
    /// New points of a pod, or of an active run.
    Points(NewPoints),
    /// The newest points of an active run.
    Newest { id: RunId, points: Vec<(String, PointRecord)> },
    /// What a run trains to.
    Target { id: RunId, target: Option<Target> },
    /// All that the view of a run shows, read anew.
    Detail(Box<Detail>),
    /// New points of the run in view.
    DetailPoints(NewPoints),
    /// New lines of the run in view.
    DetailLines(NewLines),
    /// The newest state of lines without an end.
    Unfinished { id: RunId, lines: Vec<LogLine> },
    /// The outcome of what the user asked for.
    Notice { text: String, is_problem: bool },
    /// The server refuses to go on.
    Failed(Failure),
}

/// What the overview shows.
#[derive(Debug, Default)]
pub(crate) struct Overview {
    pub(crate) runs: Vec<Run>,
    pub(crate) values: Vec<RunValues>,
    pub(crate) pods: Vec<Pod>,
    /// The last measurements of each pod.
    pub(crate) usage: PointsByOwner,
}

/// What the view of a run shows.
#[derive(Debug)]
pub(crate) struct Detail {
    pub(crate) run: Run,
    pub(crate) points: PointsByMetric,
    /// Whether the run has more metrics than were read.
    pub(crate) has_more_metrics: bool,
    pub(crate) logs: LogPage,
    /// The newest points, with the progress of the training.
    pub(crate) newest: Vec<(String, PointRecord)>,
}
