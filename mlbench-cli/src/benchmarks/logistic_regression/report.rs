//! What a training reports: a line and metrics after each validation, and its result.

use super::steps::{Breakdown, StepTimes};
use crate::benchmarks::error::Error;
use crate::benchmarks::report::Reporter;
use crate::benchmarks::ring::Ring;

/// Result of a validation over all ranks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Validation {
    /// Correctly classified rows, in percent.
    pub(super) accuracy: f64,
    /// Mean loss of a row, without the penalty.
    pub(super) loss: f64,
}

/// Training statistics of one rank since its last report.
#[derive(Debug, Default)]
pub(super) struct EpochStats {
    /// Number of rows trained on.
    pub(super) rows: usize,
    /// Sum of the losses of these rows during training, without the penalty.
    pub(super) loss: f64,
    /// Number of these rows that were classified correctly during training.
    pub(super) correct: usize,
    pub(super) times: StepTimes,
}

impl EpochStats {
    fn mean_loss(&self) -> f64 {
        self.loss / self.rows.max(1) as f64
    }

    /// Returns the training accuracy in percent.
    fn accuracy(&self) -> f64 {
        100.0 * self.correct as f64 / self.rows.max(1) as f64
    }
}

/// Reports the epochs of one training.
pub(super) struct Report<'a, 'b> {
    pub(super) reporter: &'a mut Reporter<'b>,
    /// Number of this training from 1, if there are several.
    pub(super) repeat: Option<usize>,
}

impl Report<'_, '_> {
    /// Reports the statistics of this rank and the validation of all.
    pub(super) fn epoch(
        &mut self,
        ring: &Ring,
        epoch: usize,
        stats: &EpochStats,
        validation: Validation,
    ) -> Result<(), Error> {
        let metadata = metadata(ring.rank(), epoch, self.repeat);
        self.reporter.begin_epoch(epoch);
        let times = stats.times;
        self.reporter.metric("train_loss", stats.mean_loss(), &metadata);
        self.reporter.metric("train_Prec@1", stats.accuracy(), &metadata);
        for (name, seconds) in times.metrics(ring.size()) {
            self.reporter.metric(name, seconds, &metadata);
        }
        let mut validated = String::new();
        if ring.rank() == 0 {
            self.reporter.metric("val_global_Prec@1", validation.accuracy, &metadata);
            self.reporter.metric("val_global_loss", validation.loss, &metadata);
            validated =
                format!(", validation loss {:.4}, accuracy {:.2}%", validation.loss, validation.accuracy);
        }
        let Breakdown { compute, transfer, waiting } = times.breakdown(ring.size());
        let training = self.repeat.map_or_else(String::new, |repeat| format!("training {repeat}, "));
        self.reporter.print(format_args!(
            "{training}epoch {epoch}: train loss {:.4}{validated}; {:.2} ms: {:.2} compute, {:.2} transfer, \
             {:.2} waiting",
            stats.mean_loss(),
            1e3 * times.total(),
            1e3 * compute,
            1e3 * transfer,
            1e3 * waiting,
        ))
    }
}

/// How all trainings reached the goal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outcome<'a> {
    /// The goal, in percent.
    pub(super) goal: f64,
    /// Epochs of every training.
    pub(super) epochs: usize,
    /// Times of each training on this rank.
    pub(super) trainings: &'a [StepTimes],
}

/// Reports the time of each training, and their median.
pub(super) fn report_outcome(
    reporter: &mut Reporter<'_>,
    ring: &mut Ring,
    outcome: Outcome<'_>,
) -> Result<(), Error> {
    let Outcome { goal, epochs, trainings } = outcome;
    let mut mean = StepTimes::mean(trainings.iter().copied());
    mean.average(ring)?;
    if ring.rank() > 0 {
        return Ok(());
    }
    for (index, times) in trainings.iter().enumerate() {
        let repeat = (trainings.len() > 1).then_some(index + 1);
        reporter.metric("time_to_accuracy", times.total(), &metadata(0, epochs, repeat));
    }
    let metadata = metadata(0, epochs, None);
    for (name, seconds) in mean.metrics(ring.size()) {
        reporter.metric(&format!("global_cum_{name}"), seconds, &metadata);
    }
    let spread = Spread::of(trainings.iter().map(StepTimes::total).collect());
    let mut several = String::new();
    if trainings.len() > 1 {
        reporter.metric("time_to_accuracy_min", spread.min, &metadata);
        reporter.metric("time_to_accuracy_max", spread.max, &metadata);
        let (min, max) = (seconds(spread.min), seconds(spread.max));
        several = format!(" (median of {}, {min} to {max})", trainings.len());
    }
    reporter.metric("TotalCumulativeTrainTime", spread.median, &metadata);
    let median = seconds(spread.median);
    let result = format!("{goal}% Top 1 Validation Accuracy reached in {median} seconds{several}");
    reporter.metric("TaskResult", result.as_str(), &metadata);
    reporter.print(format_args!("{result}"))
}

fn metadata(rank: usize, epoch: usize, repeat: Option<usize>) -> String {
    let repeat = repeat.map_or_else(String::new, |repeat| format!(", repeat:{repeat}"));
    format!("{{rank: {rank}, epoch:{epoch}.0{repeat}}}")
}

/// Prints seconds. Training on small data takes milliseconds.
fn seconds(seconds: f64) -> String {
    let digits = if seconds < 1.0 { 6 } else { 3 };
    format!("{seconds:.digits$}")
}

/// The median of several values, and the smallest and the largest.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Spread {
    median: f64,
    min: f64,
    max: f64,
}

impl Spread {
    /// Returns the spread of at least one value.
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let median = if values.len().is_multiple_of(2) {
            values[middle - 1].midpoint(values[middle])
        } else {
            values[middle]
        };
        Self { median, min: values[0], max: values[values.len() - 1] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_in_the_middle() {
        let spread = |values: &[f64]| Spread::of(values.to_vec());
        assert_eq!(spread(&[3.0]), Spread { median: 3.0, min: 3.0, max: 3.0 });
        assert_eq!(spread(&[9.0, 1.0, 2.0]), Spread { median: 2.0, min: 1.0, max: 9.0 });
        assert_eq!(spread(&[4.0, 1.0, 2.0, 9.0]), Spread { median: 3.0, min: 1.0, max: 9.0 });
    }
}
