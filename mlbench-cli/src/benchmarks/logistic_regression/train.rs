//! The training loop of one rank.

use super::model::Model;
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
}

/// Result of a training that reached its goal.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TrainingResult {
    /// Number of epochs trained.
    pub(super) epochs: usize,
    /// Weights, then the intercept, equal on all ranks.
    pub(super) weights: Vec<f64>,
}

/// Result of a validation over all ranks.
#[derive(Debug, Clone, Copy)]
struct Validation {
    /// Correctly classified rows, in percent.
    accuracy: f64,
    /// Mean loss of a row, without the penalty.
    loss: f64,
}

/// Training statistics of one rank since its last report.
#[derive(Debug, Default)]
struct EpochStats {
    /// Number of rows trained on.
    rows: usize,
    /// Sum of the losses of these rows during training, without the penalty.
    loss: f64,
    /// Number of these rows that were classified correctly during training.
    correct: usize,
    times: StepTimes,
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

/// Trains until a validation reaches the goal, and reports after each validation.
///
/// The reported time does not include validation.
///
/// # Errors
/// [`Error::GoalNotReached`] or [`Error::Diverged`] on all ranks alike, [`Error::Ring`] when a rank is lost.
pub(super) fn train(
    settings: &Settings,
    shard: &Shard,
    ring: &mut Ring,
    reporter: &mut Reporter<'_>,
) -> Result<TrainingResult, Error> {
    let mut trainer = Trainer { settings, shard, model: Model::new(shard.train.features()), steps: 0 };
    let (mut total, mut stats) = (StepTimes::default(), EpochStats::default());
    let mut best: f64 = 0.0;
    for epoch in 1..=settings.max_epochs {
        trainer.epoch(epoch, ring, &mut stats)?;
        if epoch % settings.validate_every != 0 && epoch < settings.max_epochs {
            continue;
        }
        let validation = trainer.validate(ring)?;
        report(reporter, ring, epoch, &stats, validation)?;
        total.add(&stats.times);
        stats = EpochStats::default();
        if !validation.loss.is_finite() {
            return Err(Error::Diverged { epoch });
        }
        if validation.accuracy >= settings.goal {
            report_goal(reporter, ring, epoch, settings.goal, total)?;
            return Ok(TrainingResult { epochs: epoch, weights: trainer.model.weights });
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
        let mut clock = StepClock::start();
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
        stats.times.add(&clock.stop());
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

fn metadata(rank: usize, epoch: usize) -> String {
    format!("{{rank: {rank}, epoch:{epoch}.0}}")
}

fn report(
    reporter: &mut Reporter<'_>,
    ring: &Ring,
    epoch: usize,
    stats: &EpochStats,
    validation: Validation,
) -> Result<(), Error> {
    let metadata = metadata(ring.rank(), epoch);
    let times = stats.times;
    reporter.metric("train_loss", stats.mean_loss(), &metadata)?;
    reporter.metric("train_Prec@1", stats.accuracy(), &metadata)?;
    for step in Step::ALL {
        reporter.metric(step.name(), times.of(step), &metadata)?;
    }
    let mut validated = String::new();
    if ring.rank() == 0 {
        reporter.metric("val_global_Prec@1", validation.accuracy, &metadata)?;
        reporter.metric("val_global_loss", validation.loss, &metadata)?;
        validated = format!(", validation loss {:.4}, accuracy {:.2}%", validation.loss, validation.accuracy);
    }
    let (compute, communication) = times.compute_and_communication(ring.size());
    reporter.print(format_args!(
        "epoch {epoch}: train loss {:.4}{validated}; {:.2} ms: {:.2} compute, {:.2} communication",
        stats.mean_loss(),
        1e3 * times.total(),
        1e3 * compute,
        1e3 * communication,
    ))
}

fn report_goal(
    reporter: &mut Reporter<'_>,
    ring: &mut Ring,
    epoch: usize,
    goal: f64,
    total: StepTimes,
) -> Result<(), Error> {
    let mut mean = total;
    ring.all_reduce(&mut mean.0)?;
    if ring.rank() > 0 {
        return Ok(());
    }
    let metadata = metadata(0, epoch);
    for step in Step::ALL {
        reporter.metric(
            &format!("global_cum_{}", step.name()),
            mean.of(step) / ring.size() as f64,
            &metadata,
        )?;
    }
    reporter.metric("TotalCumulativeTrainTime", total.total(), &metadata)?;
    let seconds = total.total();
    // Training on small data takes milliseconds.
    let digits = if seconds < 1.0 { 6 } else { 3 };
    let result = format!("{goal}% Top 1 Validation Accuracy reached in {seconds:.digits$} seconds");
    reporter.metric("TaskResult", result.as_str(), &metadata)?;
    reporter.print(format_args!("{result}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmarks::data::{Shape, Source, Synthetic};
    use crate::benchmarks::ring::testing::in_ring;

    const SETTINGS: Settings =
        Settings { seed: 1, learning_rate: 0.5, l2: 1e-4, goal: 95.0, validate_every: 1, max_epochs: 500 };

    type Metrics = Vec<(String, String, String)>;

    fn train_on(
        size: usize,
        source: &Source,
        settings: &Settings,
    ) -> Vec<(Result<TrainingResult, String>, Metrics)> {
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

    #[test]
    fn training_is_reproducible_and_equal_on_all_ranks() {
        let source = Source::breast_cancer().unwrap();
        let run = || {
            train_on(3, &source, &SETTINGS)
                .into_iter()
                .map(|(outcome, _)| outcome.unwrap())
                .collect::<Vec<_>>()
        };
        let first = run();
        assert_eq!(first[0], first[1]);
        assert_eq!(first[0], first[2]);
        assert_eq!(first, run());
    }

    #[test]
    fn one_and_many_workers_take_the_same_steps() {
        let source = Source::Synthetic(Synthetic::new(Shape { rows: 2000, features: 10 }, 1));
        let trained = |size| train_on(size, &source, &SETTINGS).remove(0).0.unwrap();
        let alone = trained(1);
        for size in [2, 4] {
            let together = trained(size);
            assert_eq!(together.epochs, alone.epochs);
            for (one, other) in together.weights.iter().zip(&alone.weights) {
                assert!((one - other).abs() < 1e-9, "{size} workers: {one} {other}");
            }
        }
    }

    #[test]
    fn every_metric_of_the_specification_is_reported() {
        let workers = train_on(2, &Source::breast_cancer().unwrap(), &SETTINGS);
        let epochs = workers[0].0.as_ref().unwrap().epochs;
        let steps = Step::ALL.map(Step::name);
        for (rank, (_, metrics)) in workers.iter().enumerate() {
            let count = |name: &str| {
                metrics.iter().filter(|(metric, _, _)| *metric == format!("{name} @ {rank}")).count()
            };
            for name in steps.into_iter().chain(["train_loss", "train_Prec@1"]) {
                assert_eq!(count(name), epochs, "{name} of rank {rank}");
            }
            let only_first = usize::from(rank == 0);
            assert_eq!(count("val_global_Prec@1"), epochs * only_first);
            assert_eq!(count("val_global_loss"), epochs * only_first);
            for name in steps.map(|step| format!("global_cum_{step}")) {
                assert_eq!(count(&name), only_first, "{name} of rank {rank}");
            }
            assert_eq!(count("TotalCumulativeTrainTime"), only_first);
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
