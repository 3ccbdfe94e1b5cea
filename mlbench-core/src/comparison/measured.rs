//! What a comparison computes with: the runs, and what was found in their metrics.

use std::collections::BTreeMap;

use super::clock::StepScan;
use super::goal::{Choice, Goal};
use super::result::{AllReduce, EndValue};
use super::scan::GoalScan;
use crate::name::RunId;
use crate::run::Run;

/// A run and what was found in its metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredRun {
    /// The run.
    pub run: Run,
    /// The goal that its program trains to, if it is known.
    pub own_goal: Option<Goal>,
    /// Its trainings, by the metric of the comparison.
    pub scan: GoalScan,
    /// The times of its steps, if they are needed.
    pub steps: StepScan,
    /// The last value of [`total_metric`](super::total_metric) of each step.
    pub totals: BTreeMap<String, f64>,
    /// The last value of `TotalCumulativeTrainTime @ 0`.
    pub total_train_time: Option<f64>,
    /// The last value of `TaskResult @ 0`.
    pub result: Option<String>,
    /// Last and best values of its metrics.
    pub end_values: Vec<EndValue>,
    /// Its all-reduce times.
    pub all_reduce: Vec<AllReduce>,
}

/// How to compare.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Metric and goal.
    pub choice: Choice,
    /// A run of the group that all others are compared with.
    ///
    /// `None` to compare the groups of each program with the one that has the fewest workers.
    pub baseline: Option<RunId>,
    /// Cores of the machine that runs all workers, if they are known.
    pub cores: Option<f64>,
}
