//! What a comparison computes with: the runs, and what was found in their metrics.

use std::collections::BTreeMap;

use super::choice::Choice;
use super::clock::StepScan;
use super::result::{AllReduce, EndValue};
use super::scan::GoalScan;
use crate::goal::{Goal, without_rank};
use crate::name::RunId;
use crate::run::Run;
use crate::time::Timestamp;

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
    /// The training times to its own goal that the program reported, one for each training.
    pub own_times: Vec<f64>,
    /// The last value of `TaskResult @ 0`.
    pub result: Option<String>,
    /// Last and best values of its metrics.
    pub end_values: Vec<EndValue>,
    /// Its all-reduce times.
    pub all_reduce: Vec<AllReduce>,
}

impl MeasuredRun {
    /// Returns a scan for the times of the steps, and up to which date to read them.
    ///
    /// `None` when the times are not needed.
    #[must_use]
    pub fn steps_to_read(&self, choice: &Choice) -> Option<(StepScan, Timestamp)> {
        let checkpoints = match self.reports_times_to(choice) {
            true => Vec::new(),
            false => self.scan.checkpoints(),
        };
        let until = match checkpoints.last() {
            Some(last) if !self.totals.is_empty() => *last,
            None if !self.totals.is_empty() => return None,
            // Without totals, the phases are the sums of all steps.
            _ => Timestamp::MAX,
        };
        Some((StepScan::new(checkpoints), until))
    }

    /// Returns whether the program reported the time of every training to the goal of the comparison.
    ///
    /// A program stops at its own goal, so that it reports the times to this goal only.
    pub(super) fn reports_times_to(&self, choice: &Choice) -> bool {
        let own = self.own_goal.as_ref();
        let same_goal = own
            .is_some_and(|own| Some(own.value) == choice.goal && own.metric == without_rank(&choice.metric));
        let trainings = &self.scan.trainings;
        let all_reached = trainings.iter().all(|training| training.reached.is_some());
        same_goal && all_reached && self.own_times.len() == trainings.len()
    }
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
