//! Times to accuracy of a group, and how much faster it is than its baseline.

use super::estimate::Values;
use super::group::Members;
use super::measured::{MeasuredRun, Settings};
use super::result::{Clock, Estimate, Training};
use super::training::trainings;

/// The trainings of a group and their median time to accuracy.
pub(super) struct Times {
    workers: u32,
    /// Seconds of the trainings that have ended, infinity where they did not reach the goal.
    values: Values,
    pub(super) trainings: Vec<Training>,
    /// Number of trainings that have ended.
    pub(super) n: u32,
    pub(super) reached: u32,
    pub(super) estimate: Option<Estimate>,
    /// Why it does not exist.
    pub(super) no_estimate: Option<String>,
}

impl Times {
    /// Measures the trainings of a group.
    pub(super) fn new(group: &Members, runs: &[MeasuredRun], settings: &Settings, clock: Clock) -> Self {
        let of_run = |index: &usize| trainings(&runs[*index], settings, clock);
        let trainings: Vec<Training> = group.runs.iter().flat_map(of_run).collect();
        let ended = trainings.iter().filter(|training| !training.pending);
        let seconds: Vec<f64> = ended.map(|training| training.seconds.unwrap_or(f64::INFINITY)).collect();
        let n = u32::try_from(seconds.len()).unwrap_or(u32::MAX);
        let values = Values::new(seconds);
        let estimate = values.estimate();
        let reached = trainings.iter().filter(|training| training.reached).count();
        let reached = u32::try_from(reached).unwrap_or(u32::MAX);
        let no_estimate = estimate.is_none().then(|| no_estimate(n, reached, &trainings));
        Self { workers: group.parameters.num_workers, values, trainings, n, reached, estimate, no_estimate }
    }
}

fn no_estimate(n: u32, reached: u32, trainings: &[Training]) -> String {
    let reasons = || trainings.iter().filter_map(|training| training.reason.as_deref());
    match (n, reasons().next()) {
        (0, _) => "no training has ended yet".to_owned(),
        (_, Some(first)) if reached == 0 && reasons().all(|reason| reason == first) => first.to_owned(),
        _ => format!("{reached} of {n} trainings reached the goal, too few for a median"),
    }
}

/// Speed-up and efficiency of a group.
pub(super) struct SpeedUp {
    pub(super) speed_up: Option<Estimate>,
    pub(super) efficiency: Option<Estimate>,
    /// Why they do not exist.
    pub(super) reason: Option<String>,
}

impl SpeedUp {
    /// Compares a group with its baseline. The baseline itself has the speed-up 1.
    pub(super) fn new(own: &Times, baseline: &Times) -> Self {
        let is_baseline = std::ptr::eq(own, baseline);
        let speed_up = match own.estimate.filter(|_| is_baseline) {
            Some(time) => Some(Estimate { median: 1.0, low: 1.0, high: Some(1.0), ..time }),
            None => baseline.values.ratio(&own.values),
        };
        let share = f64::from(baseline.workers) / f64::from(own.workers);
        let efficiency = speed_up.map(|it| Estimate {
            median: it.median * share,
            low: it.low * share,
            high: it.high.map(|high| high * share),
            ..it
        });
        let reason = speed_up.is_none().then(|| {
            let (who, times) = if own.estimate.is_none() { ("", own) } else { ("baseline: ", baseline) };
            let why = times.no_estimate.as_deref().unwrap_or("the time to accuracy is 0");
            format!("{who}{why}")
        });
        Self { speed_up, efficiency, reason }
    }
}
