//! Training time: the seconds that the program of a run reported for its steps up to a date.

use std::collections::BTreeMap;

use super::phases::{STEPS, counts};
use crate::time::Timestamp;

/// Metric with the training seconds of an epoch, which MLBench's tracker reports.
const EPOCH: &str = "CumulativeTrainTimeEpoch @ 0";

/// The seconds of each step of a run, up to each of several dates.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StepScan {
    checkpoints: Vec<Timestamp>,
    series: BTreeMap<String, StepSums>,
    current: String,
}

/// The seconds of one step.
#[derive(Debug, Clone, PartialEq, Default)]
struct StepSums {
    total: f64,
    /// The seconds up to and including each checkpoint that was passed.
    at: Vec<f64>,
}

impl StepScan {
    /// Creates a scan that keeps the seconds up to these dates, in ascending order.
    #[must_use]
    pub fn new(checkpoints: Vec<Timestamp>) -> Self {
        Self { checkpoints, ..Self::default() }
    }

    /// Returns the names of the metrics whose points the scan takes.
    pub fn metrics() -> impl Iterator<Item = String> {
        STEPS.into_iter().map(|step| format!("{step} @ 0")).chain([EPOCH.to_owned()])
    }

    /// Continues with the points of this metric.
    pub fn series(&mut self, name: &str) {
        name.clone_into(&mut self.current);
    }

    /// Takes the next point of the metric by date.
    pub fn push(&mut self, date: Timestamp, seconds: Option<f64>) {
        if !self.series.contains_key(&self.current) {
            self.series.insert(self.current.clone(), StepSums::default());
        }
        let Some(sums) = self.series.get_mut(&self.current) else { return };
        while self.checkpoints.get(sums.at.len()).is_some_and(|checkpoint| *checkpoint < date) {
            sums.at.push(sums.total);
        }
        sums.total += seconds.filter(|seconds| seconds.is_finite()).unwrap_or_default();
    }

    /// Returns the training time up to and including a checkpoint. `None` when the run reports none.
    ///
    /// Uses the time of whole epochs where the run reports it, else the sum of the steps.
    pub(super) fn training_time(&self, date: Timestamp) -> Option<f64> {
        let at = self.checkpoints.binary_search(&date).ok()?;
        let until = |sums: &StepSums| sums.at.get(at).copied().unwrap_or(sums.total);
        if let Some(epochs) = self.series.get(EPOCH) {
            return Some(until(epochs));
        }
        let steps = self.series.iter().filter(|(name, _)| is_step(name)).map(|(_, sums)| until(sums));
        steps.reduce(|sum, seconds| sum + seconds)
    }

    /// Returns the seconds of each step, without its rank.
    pub(super) fn totals(&self) -> BTreeMap<String, f64> {
        let steps =
            self.series.iter().filter_map(|(name, sums)| Some((name.strip_suffix(" @ 0")?, sums.total)));
        steps.filter(|(step, _)| STEPS.contains(step)).map(|(step, total)| (step.to_owned(), total)).collect()
    }
}

fn is_step(name: &str) -> bool {
    name.strip_suffix(" @ 0").is_some_and(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_micros(second * 1_000_000)
    }

    fn scan(series: &[(&str, &[(i64, f64)])], checkpoints: &[i64]) -> StepScan {
        let mut scan = StepScan::new(checkpoints.iter().copied().map(at).collect());
        for (name, points) in series {
            scan.series(name);
            for (second, seconds) in *points {
                scan.push(at(*second), Some(*seconds));
            }
        }
        scan
    }

    #[test]
    fn steps_up_to_and_including_a_date_are_summed() {
        let forward: &[(i64, f64)] = &[(1, 0.5), (2, 0.25), (4, 1.0)];
        let agg: &[(i64, f64)] = &[(2, 2.0), (4, 4.0)];
        // Transfer is a part of the aggregation.
        let transfer: &[(i64, f64)] = &[(2, 1.0)];
        let steps = [("fwd_pass @ 0", forward), ("agg @ 0", agg), ("agg_transfer @ 0", transfer)];
        let scan = scan(&steps, &[2, 3, 9]);
        let times: Vec<_> = [2, 3, 9].map(|second| scan.training_time(at(second))).into();
        assert_eq!(times, [Some(2.75), Some(2.75), Some(7.75)]);
        assert_eq!(scan.training_time(at(5)), None, "not a checkpoint");
        assert_eq!(scan.totals()["agg_transfer"], 1.0);
    }

    #[test]
    fn the_time_of_whole_epochs_counts_where_it_exists() {
        let scan = scan(&[("fwd_pass @ 0", &[(1, 1.0)]), (EPOCH, &[(1, 3.0), (2, 4.0)])], &[1, 2]);
        assert_eq!(scan.training_time(at(1)), Some(3.0));
        assert_eq!(scan.training_time(at(2)), Some(7.0));
    }

    #[test]
    fn a_run_without_steps_has_no_training_time() {
        assert_eq!(scan(&[], &[1]).training_time(at(1)), None);
        let mut gaps = scan(&[("agg @ 0", &[(1, 1.0)])], &[1]);
        gaps.push(at(1), Some(f64::NAN));
        gaps.push(at(1), None);
        assert_eq!(gaps.training_time(at(1)), Some(1.0));
    }
}
