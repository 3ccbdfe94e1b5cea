//! What the time of a training went into: compute, communication and the rest.

use std::collections::BTreeMap;

use super::result::{PhaseSource, PhaseValues, Phases};

/// The steps of a training, as the metrics of MLBench's programs name them.
///
/// `agg_transfer` and `agg_wait` are the parts of `agg`.
pub const STEPS: [&str; 11] = [
    "batch_load",
    "init",
    "fwd_pass",
    "comp_loss",
    "backprop",
    "agg",
    "opt_step",
    "comp_metrics",
    "end",
    TRANSFER,
    WAITING,
];
const TRANSFER: &str = "agg_transfer";
const WAITING: &str = "agg_wait";
const AGGREGATION: &str = "agg";
const COMPUTE: [&str; 4] = ["fwd_pass", "comp_loss", "backprop", "opt_step"];

/// Returns the metric with the seconds of a step in a whole training.
#[must_use]
pub fn total_metric(step: &str) -> String {
    format!("global_cum_{step} @ 0")
}

/// Returns whether the seconds of a step count in the total: those of its parts would count twice.
pub(super) fn counts(step: &str) -> bool {
    STEPS.contains(&step) && step != TRANSFER && step != WAITING
}

/// Computes the phases from the seconds of the steps. `None` when the steps took no time.
pub(super) fn phases(source: PhaseSource, steps: BTreeMap<String, f64>, workers: u32) -> Option<Phases> {
    let total: f64 = steps.iter().filter(|(step, _)| counts(step)).map(|(_, seconds)| seconds).sum();
    if !(total.is_finite() && total > 0.0) {
        return None;
    }
    let of = |step: &str| steps.get(step).copied();
    let own: f64 = COMPUTE.iter().filter_map(|step| of(step)).sum();
    let agg = of(AGGREGATION);
    let (compute, communication, transfer, waiting) = if workers == 1 {
        (own + agg.unwrap_or_default(), Some(0.0), Some(0.0), Some(0.0))
    } else {
        (own, agg, of(TRANSFER), of(WAITING))
    };
    let other = (total - compute - communication.unwrap_or_default()).max(0.0);
    let seconds = PhaseValues { compute, communication, transfer, waiting, other };
    Some(Phases { source, total, shares: seconds.times(1.0 / total), seconds, steps })
}

/// Returns the mean of the phases of several runs.
///
/// Leaves out sums of steps where there are totals, which cover whole trainings.
pub(super) fn mean(all: &[&Phases], workers: u32) -> Option<Phases> {
    let has_totals = all.iter().any(|phases| phases.source == PhaseSource::Totals);
    let source = if has_totals { PhaseSource::Totals } else { PhaseSource::Steps };
    let used: Vec<_> = all.iter().filter(|phases| phases.source == source).collect();
    let mut steps = BTreeMap::<String, (f64, usize)>::new();
    for (step, seconds) in used.iter().flat_map(|phases| &phases.steps) {
        let (sum, count) = steps.entry(step.clone()).or_default();
        (*sum, *count) = (*sum + seconds, *count + 1);
    }
    // A step that some runs do not report has no mean.
    steps.retain(|_, (_, count)| *count == used.len());
    let count = count(used.len());
    phases(source, steps.into_iter().map(|(step, (sum, _))| (step, sum / count)).collect(), workers)
}

#[expect(clippy::cast_precision_loss, reason = "a comparison has at most a thousand runs")]
fn count(runs: usize) -> f64 {
    runs as f64
}

impl PhaseValues {
    fn times(self, factor: f64) -> Self {
        let times = |value: Option<f64>| value.map(|value| value * factor);
        Self {
            compute: self.compute * factor,
            communication: times(self.communication),
            transfer: times(self.transfer),
            waiting: times(self.waiting),
            other: self.other * factor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(values: &[(&str, f64)]) -> BTreeMap<String, f64> {
        values.iter().map(|(step, seconds)| ((*step).to_owned(), *seconds)).collect()
    }

    const ALL: [(&str, f64); 8] = [
        ("fwd_pass", 3.0),
        ("comp_loss", 1.0),
        ("backprop", 3.0),
        ("opt_step", 0.5),
        ("agg", 2.0),
        ("agg_transfer", 0.5),
        ("agg_wait", 1.5),
        ("batch_load", 0.5),
    ];

    fn of(values: &[(&str, f64)], workers: u32) -> Option<Phases> {
        phases(PhaseSource::Totals, steps(values), workers)
    }

    #[test]
    fn the_page_has_the_same_steps() {
        let file = "../mlbench-server/dashboard/src/lib/steps.ts";
        let text =
            std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        let quoted: Vec<&str> = text.split('"').skip(1).step_by(2).collect();
        assert_eq!(quoted, STEPS);
    }

    #[test]
    fn the_phases_are_shares_of_all_steps() {
        let phases = of(&ALL, 2).unwrap();
        assert_eq!(phases.total, 10.0);
        assert_eq!(
            phases.shares,
            PhaseValues {
                compute: 0.75,
                communication: Some(0.2),
                transfer: Some(0.05),
                waiting: Some(0.15000000000000002),
                other: 0.05,
            }
        );
        assert_eq!(phases.seconds.communication, Some(2.0));
    }

    #[test]
    fn aggregation_on_one_worker_is_compute() {
        let phases = of(&ALL, 1).unwrap();
        assert_eq!((phases.shares.compute, phases.shares.communication), (0.9500000000000001, Some(0.0)));
        assert_eq!((phases.seconds.transfer, phases.seconds.waiting), (Some(0.0), Some(0.0)));
    }

    #[test]
    fn parts_that_the_program_does_not_report_are_unknown() {
        let phases = of(&ALL[..5], 2).unwrap();
        assert_eq!((phases.seconds.communication, phases.seconds.transfer), (Some(2.0), None));
        // Distributed data parallel aggregates within the backward pass.
        let phases = of(&ALL[..4], 2).unwrap();
        assert_eq!((phases.seconds.communication, phases.seconds.compute), (None, 7.5));
        assert_eq!(of(&[], 2), None);
        assert_eq!(of(&[("agg", 0.0)], 2), None);
    }

    #[test]
    fn the_mean_leaves_out_what_some_runs_do_not_report() {
        let (one, other) = (of(&ALL, 2).unwrap(), of(&ALL[..5], 2).unwrap());
        let unfinished = phases(PhaseSource::Steps, steps(&[("agg", 100.0)]), 2).unwrap();
        let mean = mean(&[&one, &other, &unfinished], 2).unwrap();
        assert_eq!((mean.total, mean.seconds.communication, mean.seconds.transfer), (9.5, Some(2.0), None));
        assert_eq!(super::mean(&[], 2), None);
    }
}
