//! The training loop of one rank.

use super::model::Model;
use super::report::{EpochStats, Outcome, Report, Validation, report_outcome};
use super::steps::{Step, StepClock, StepTimes};
use crate::benchmarks::data::{Random, Shard};
use crate::benchmarks::error::Error;
use crate::benchmarks::report::Reporter;
use crate::benchmarks::ring::Ring;

/// Settings of the training.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// Seed of the batch order.
    pub(super) seed: u64,
    /// Learning rate of the first step.
    pub(super) learning_rate: f64,
    /// Weight of the L2 penalty.
    pub(super) l2: f64,
    /// Validation accuracy to reach, in percent.
    pub(super) goal: f64,
    /// Epochs between two validations.
    pub(super) validate_every: usize,
    /// Maximum number of epochs.
    pub(super) max_epochs: usize,
    /// Number of trainings.
    pub(super) repeats: usize,
}

/// Result of a training that reached its goal.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TrainingResult {
    /// Number of epochs trained.
    pub(super) epochs: usize,
    /// Weights, then the intercept, equal on all ranks.
    pub(super) weights: Vec<f64>,
    /// Time of this rank, without validation.
    pub(super) times: StepTimes,
}

/// Trains as often as the settings say, and reports the median of the times.
///
/// Every training starts from zero, so that all take the same steps.
///
/// # Errors
/// [`Error::GoalNotReached`] or [`Error::Diverged`] on all ranks alike, [`Error::Ring`] when a rank is lost.
pub(super) fn train(
    settings: &Settings,
    shard: &Shard,
    ring: &mut Ring,
    reporter: &mut Reporter<'_>,
) -> Result<Vec<TrainingResult>, Error> {
    let mut results = Vec::new();
    for repeat in 1..=settings.repeats {
        let repeat = (settings.repeats > 1).then_some(repeat);
        let mut report = Report { reporter: &mut *reporter, repeat };
        results.push(train_once(settings, shard, ring, &mut report)?);
    }
    let epochs = results.last().map_or(0, |result: &TrainingResult| result.epochs);
    let times: Vec<StepTimes> = results.iter().map(|result| result.times).collect();
    let outcome = Outcome { goal: settings.goal, epochs, trainings: &times };
    report_outcome(reporter, ring, outcome)?;
    Ok(results)
}

/// Trains until a validation reaches the goal, and reports after each validation.
fn train_once(
    settings: &Settings,
    shard: &Shard,
    ring: &mut Ring,
    report: &mut Report<'_, '_>,
) -> Result<TrainingResult, Error> {
    // All ranks start together, so that none waits for one that still loads its data.
    ring.all_reduce(&mut [0.0_f64])?;
    let mut trainer = Trainer { settings, shard, model: Model::new(shard.train.features()), steps: 0 };
    let (mut times, mut stats) = (StepTimes::default(), EpochStats::default());
    let mut best: f64 = 0.0;
    for epoch in 1..=settings.max_epochs {
        trainer.epoch(epoch, ring, &mut stats)?;
        if epoch % settings.validate_every != 0 && epoch < settings.max_epochs {
            continue;
        }
        let validation = trainer.validate(ring)?;
        report.epoch(ring, epoch, &stats, validation)?;
        times.add(&stats.times);
        stats = EpochStats::default();
        if !validation.loss.is_finite() {
            return Err(Error::Diverged { epoch });
        }
        if validation.accuracy >= settings.goal {
            return Ok(TrainingResult { epochs: epoch, weights: trainer.model.weights, times });
        }
        best = best.max(validation.accuracy);
    }
    Err(Error::GoalNotReached { goal: settings.goal, epochs: settings.max_epochs, best })
}

struct Trainer<'a> {
    settings: &'a Settings,
    shard: &'a Shard,
    model: Model,
    steps: usize,
}

impl Trainer<'_> {
    fn epoch(&mut self, number: usize, ring: &mut Ring, stats: &mut EpochStats) -> Result<(), Error> {
        let (shard, model) = (self.shard, &mut self.model);
        let mut clock = StepClock::start(ring);
        let mut order: Vec<_> = shard.batches.iter().collect();
        Random::new(self.settings.seed, number as u64).shuffle(&mut order);
        for batch in order {
            clock.lap(Step::BatchLoad);
            model.clear_gradient();
            clock.lap(Step::Init);
            // Train block by block, so that the forward and the backward pass read the rows from memory only
            // once.
            for rows in shard.train.blocks(batch.rows.clone()) {
                let labels = &shard.train.labels()[rows.clone()];
                model.forward(&shard.train, rows.clone());
                clock.lap(Step::FwdPass);
                stats.correct += model.correct(labels);
                clock.lap(Step::CompMetrics);
                stats.loss += model.losses(labels);
                clock.lap(Step::CompLoss);
                model.backward(&shard.train, rows);
                clock.lap(Step::Backprop);
            }
            ring.all_reduce(&mut model.gradient)?;
            clock.lap(Step::Agg);
            // Learning-rate schedule of Bottou, *Stochastic gradient descent tricks* (2012).
            let Settings { learning_rate, l2, .. } = self.settings;
            let rate = learning_rate / (1.0 + learning_rate * l2 * self.steps as f64);
            model.step(rate, *l2, batch.total);
            self.steps += 1;
            clock.lap(Step::Update);
        }
        stats.rows += shard.train.len();
        stats.times.add(&clock.stop(ring));
        Ok(())
    }

    fn validate(&mut self, ring: &mut Ring) -> Result<Validation, Error> {
        let rows = &self.shard.validation;
        self.model.forward(rows, 0..rows.len());
        let correct = self.model.correct(rows.labels()) as f64;
        let mut sums = [correct, self.model.losses(rows.labels())];
        ring.all_reduce(&mut sums)?;
        let total = self.shard.validation_total as f64;
        Ok(Validation { accuracy: 100.0 * sums[0] / total, loss: sums[1] / total })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmarks::data::{Shape, Source, Synthetic};
    use crate::benchmarks::ring::testing::in_ring;

    const SETTINGS: Settings = Settings {
        seed: 1,
        learning_rate: 0.5,
        l2: 1e-4,
        goal: 95.0,
        validate_every: 1,
        max_epochs: 500,
        repeats: 1,
    };

    type Metrics = Vec<(String, String, String)>;

    fn train_on(
        size: usize,
        source: &Source,
        settings: &Settings,
    ) -> Vec<(Result<Vec<TrainingResult>, String>, Metrics)> {
        in_ring(size, |mut ring| {
            let shard = Shard::of(source, Some(64), ring.rank(), size).unwrap();
            let mut console = Vec::new();
            let mut reporter = Reporter::in_memory(ring.rank(), &mut console);
            let outcome =
                train(settings, &shard, &mut ring, &mut reporter).map_err(|error| error.to_string());
            let text = |(name, value, metadata): &(String, _, String)| {
                (name.clone(), format!("{value}"), metadata.clone())
            };
            let metrics = reporter.metrics().iter().map(text).collect();
            (outcome, metrics)
        })
    }

    /// Returns the epochs and the weights of the only training.
    fn trained(outcome: Result<Vec<TrainingResult>, String>) -> (usize, Vec<f64>) {
        let [result] = <[TrainingResult; 1]>::try_from(outcome.unwrap()).unwrap();
        (result.epochs, result.weights)
    }

    #[test]
    fn training_is_reproducible_and_equal_on_all_ranks() {
        let source = Source::breast_cancer().unwrap();
        let run = || {
            let workers = train_on(3, &source, &SETTINGS).into_iter();
            workers.map(|(outcome, _)| trained(outcome)).collect::<Vec<_>>()
        };
        let first = run();
        assert_eq!(first[0], first[1]);
        assert_eq!(first[0], first[2]);
        assert_eq!(first, run());
    }

    #[test]
    fn one_and_many_workers_take_the_same_steps() {
        let source = Source::Synthetic(Synthetic::new(Shape { rows: 2000, features: 10 }, 1));
        let weights_of = |size| trained(train_on(size, &source, &SETTINGS).remove(0).0);
        let (epochs, alone) = weights_of(1);
        for size in [2, 4] {
            let (epochs_together, together) = weights_of(size);
            assert_eq!(epochs_together, epochs);
            for (one, other) in together.iter().zip(&alone) {
                assert!((one - other).abs() < 1e-9, "{size} workers: {one} {other}");
            }
        }
    }

    #[test]
    fn repeated_trainings_take_the_same_steps_and_report_all_times() {
        let settings = Settings { repeats: 3, ..SETTINGS };
        let (outcome, metrics) = train_on(2, &Source::breast_cancer().unwrap(), &settings).remove(0);
        let results = outcome.unwrap();
        assert_eq!(results.len(), 3);
        assert!(results.iter().all(|result| result.weights == results[0].weights));
        let values = |wanted: &str| -> Vec<f64> {
            let of_metric = metrics.iter().filter(|(name, _, _)| *name == format!("{wanted} @ 0"));
            of_metric.map(|(_, value, _)| value.parse().unwrap()).collect()
        };
        let mut times: Vec<f64> = results.iter().map(|result| result.times.total()).collect();
        assert_eq!(values("time_to_accuracy"), times);
        times.sort_by(f64::total_cmp);
        assert_eq!(values("time_to_accuracy_min"), [times[0]]);
        assert_eq!(values("TotalCumulativeTrainTime"), [times[1]]);
        assert_eq!(values("time_to_accuracy_max"), [times[2]]);
        assert_eq!(values("val_global_loss").len(), 3 * results[0].epochs);
        let repeated = metrics.iter().filter(|(_, _, metadata)| metadata.ends_with(".0, repeat:2}"));
        assert!(repeated.count() > results[0].epochs);
        let (_, result, _) = metrics.last().unwrap();
        assert!(result.contains(" seconds (median of 3, "), "{result}");
    }

    #[test]
    fn every_metric_of_the_specification_is_reported() {
        let workers = train_on(2, &Source::breast_cancer().unwrap(), &SETTINGS);
        let epochs = workers[0].0.as_ref().unwrap()[0].epochs;
        let steps = Step::ALL.map(Step::name);
        for (rank, (_, metrics)) in workers.iter().enumerate() {
            let count = |name: &str| {
                metrics.iter().filter(|(metric, _, _)| *metric == format!("{name} @ {rank}")).count()
            };
            let parts = ["agg_transfer", "agg_wait"];
            for name in steps.into_iter().chain(["train_loss", "train_Prec@1"]).chain(parts) {
                assert_eq!(count(name), epochs, "{name} of rank {rank}");
            }
            let only_first = usize::from(rank == 0);
            assert_eq!(count("val_global_Prec@1"), epochs * only_first);
            assert_eq!(count("val_global_loss"), epochs * only_first);
            for name in steps.into_iter().chain(parts).map(|step| format!("global_cum_{step}")) {
                assert_eq!(count(&name), only_first, "{name} of rank {rank}");
            }
            assert_eq!(count("TotalCumulativeTrainTime"), only_first);
            assert_eq!(count("time_to_accuracy"), only_first);
            assert_eq!(count("time_to_accuracy_max"), 0, "one training has no spread");
            assert_eq!(count("TaskResult"), only_first);
        }
        let (name, value, metadata) = workers[0].1.last().unwrap();
        assert_eq!(name, "TaskResult @ 0");
        assert!(
            value.starts_with("95% Top 1 Validation Accuracy reached in ") && value.ends_with(" seconds")
        );
        assert_eq!(*metadata, format!("{{rank: 0, epoch:{epochs}.0}}"));
    }

    #[test]
    fn fewer_validations_do_not_change_the_training() {
        let source = Source::breast_cancer().unwrap();
        let settings = |validate_every| Settings { validate_every, goal: 100.0, max_epochs: 10, ..SETTINGS };
        let losses = |validate_every| -> Vec<f64> {
            let (outcome, metrics) = train_on(2, &source, &settings(validate_every)).remove(0);
            assert!(outcome.unwrap_err().starts_with("--goal: 100% validation accuracy not reached"));
            let values = metrics.iter().filter(|(name, _, _)| name == "val_global_loss @ 0");
            values.map(|(_, value, _)| value.parse().unwrap()).collect()
        };
        let every = losses(1);
        assert_eq!(every.len(), 10);
        // The last epoch is validated too, although 4 does not divide 10.
        assert_eq!(losses(4), [every[3], every[7], every[9]]);
    }

    #[test]
    fn a_learning_rate_that_is_too_high_diverges() {
        let settings = Settings { learning_rate: 1e308, l2: 0.0, goal: 100.0, ..SETTINGS };
        for (outcome, _) in train_on(2, &Source::breast_cancer().unwrap(), &settings) {
            let error = outcome.unwrap_err();
            assert!(error.starts_with("training diverged in epoch "), "{error}");
        }
    }
}
