//! The training of one worker, in step with the others.

use super::model::Model;
use super::steps::{Step, StepClock, StepTimes};
use crate::benchmarks::Error;
use crate::benchmarks::data::{Random, Share};
use crate::benchmarks::report::Reporter;
use crate::benchmarks::ring::Ring;

/// How to train.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// Names the order of the batches.
    pub(super) seed: u64,
    /// Of the first step.
    pub(super) learning_rate: f64,
    /// Weight of the penalty.
    pub(super) l2: f64,
    /// Validation accuracy to reach, in percent.
    pub(super) goal: f64,
    /// When to give up.
    pub(super) max_epochs: usize,
}

/// How training that reached its goal ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trained {
    /// How many epochs it took.
    pub(super) epochs: usize,
    /// The weights, with the intercept at the end: the same on every worker.
    pub(super) weights: Vec<f64>,
}

/// What all workers together found on the rows held back.
#[derive(Debug, Clone, Copy)]
struct Validation {
    /// Percent of the rows.
    accuracy: f64,
    /// Mean over the rows, without the penalty.
    loss: f64,
}

/// What one worker's epoch of training was like.
struct Epoch {
    /// Mean over this worker's rows, while they were learned from; without the penalty.
    loss: f64,
    /// Percent of this worker's rows, while they were learned from.
    accuracy: f64,
    times: StepTimes,
}

/// Trains until the goal is reached, and reports every epoch. Validation is not part of the time it takes.
///
/// # Errors
/// [`Error::GoalNotReached`] and [`Error::Diverged`], on which all workers agree; [`Error::Ring`] when one is lost.
pub(super) fn train(
    settings: &Settings,
    share: &Share,
    ring: &mut Ring,
    reporter: &mut Reporter<'_>,
) -> Result<Trained, Error> {
    let mut trainer = Trainer { settings, share, model: Model::new(share.train.features()), steps: 0 };
    let mut total = StepTimes::default();
    let mut best: f64 = 0.0;
    for number in 1..=settings.max_epochs {
        let epoch = trainer.epoch(number, ring)?;
        total.add(&epoch.times);
        let validation = trainer.validate(ring)?;
        report(reporter, ring, number, &epoch, validation)?;
        if !validation.loss.is_finite() {
            return Err(Error::Diverged { epoch: number });
        }
        if validation.accuracy >= settings.goal {
            report_goal(reporter, ring, number, settings.goal, total)?;
            return Ok(Trained { epochs: number, weights: trainer.model.weights });
        }
        best = best.max(validation.accuracy);
    }
    Err(Error::GoalNotReached { goal: settings.goal, epochs: settings.max_epochs, best })
}

struct Trainer<'a> {
    settings: &'a Settings,
    share: &'a Share,
    model: Model,
    steps: usize,
}

impl Trainer<'_> {
    fn epoch(&mut self, number: usize, ring: &mut Ring) -> Result<Epoch, Error> {
        let (share, model) = (self.share, &mut self.model);
        let (mut loss, mut correct) = (0.0, 0);
        let mut clock = StepClock::start();
        let mut order: Vec<_> = share.batches.iter().collect();
        Random::new(self.settings.seed, number as u64).shuffle(&mut order);
        for batch in order {
            let rows = batch.rows.clone();
            let labels = &share.train.labels()[rows.clone()];
            clock.lap(Step::BatchLoad);
            model.clear();
            clock.lap(Step::Init);
            model.forward(&share.train, rows.clone());
            clock.lap(Step::FwdPass);
            correct += model.correct(labels);
            clock.lap(Step::CompMetrics);
            loss += model.losses(labels);
            clock.lap(Step::CompLoss);
            model.backward(&share.train, rows);
            clock.lap(Step::Backprop);
            ring.all_reduce(&mut model.gradient)?;
            clock.lap(Step::Agg);
            // The schedule of Bottou, *Stochastic gradient descent tricks* (2012).
            let Settings { learning_rate, l2, .. } = self.settings;
            let rate = learning_rate / (1.0 + learning_rate * l2 * self.steps as f64);
            model.step(rate, *l2, batch.total);
            self.steps += 1;
            clock.lap(Step::Update);
        }
        let rows = share.train.len().max(1) as f64;
        Ok(Epoch { loss: loss / rows, accuracy: 100.0 * correct as f64 / rows, times: clock.stop() })
    }

    fn validate(&mut self, ring: &mut Ring) -> Result<Validation, Error> {
        let rows = &self.share.validation;
        self.model.clear();
        self.model.forward(rows, 0..rows.len());
        let correct = self.model.correct(rows.labels()) as f64;
        let mut sums = [correct, self.model.losses(rows.labels())];
        ring.all_reduce(&mut sums)?;
        let total = self.share.validation_total as f64;
        Ok(Validation { accuracy: 100.0 * sums[0] / total, loss: sums[1] / total })
    }
}

fn metadata(rank: usize, epoch: usize) -> String {
    format!("{{rank: {rank}, epoch:{epoch}.0}}")
}

fn report(
    reporter: &mut Reporter<'_>,
    ring: &Ring,
    number: usize,
    epoch: &Epoch,
    validation: Validation,
) -> Result<(), Error> {
    let metadata = metadata(ring.rank(), number);
    reporter.metric("train_loss", epoch.loss, &metadata)?;
    reporter.metric("train_Prec@1", epoch.accuracy, &metadata)?;
    for step in Step::ALL {
        reporter.metric(step.name(), epoch.times.of(step), &metadata)?;
    }
    let (compute, communication) = epoch.times.compute_and_communication(ring.size());
    let mut validated = String::new();
    if ring.rank() == 0 {
        reporter.metric("val_global_Prec@1", validation.accuracy, &metadata)?;
        reporter.metric("val_global_loss", validation.loss, &metadata)?;
        validated = format!(", validation loss {:.4}, accuracy {:.2}%", validation.loss, validation.accuracy);
    }
    reporter.say(format_args!(
        "epoch {number}: train loss {:.4}{validated}; {:.3} s: {compute:.3} s compute, {communication:.3} s communication",
        epoch.loss,
        epoch.times.total(),
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
    let result = format!("{goal}% Top 1 Validation Accuracy reached in {:.3} seconds", total.total());
    reporter.metric("TaskResult", result.as_str(), &metadata)?;
    reporter.say(format_args!("{result}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmarks::data::{Shape, Source, Synthetic};
    use crate::benchmarks::ring::testing::in_ring;

    const SETTINGS: Settings =
        Settings { seed: 1, learning_rate: 0.5, l2: 1e-4, goal: 95.0, max_epochs: 500 };

    type Metrics = Vec<(String, String, String)>;

    fn train_on(
        size: usize,
        source: &Source,
        settings: &Settings,
    ) -> Vec<(Result<Trained, String>, Metrics)> {
        in_ring(size, |mut ring| {
            let share = Share::of(source, Some(64), ring.rank(), size).unwrap();
            let mut console = Vec::new();
            let mut reporter = Reporter::keeping(ring.rank(), &mut console);
            let outcome =
                train(settings, &share, &mut ring, &mut reporter).map_err(|error| error.to_string());
            let text = |(name, value, metadata): &(String, _, String)| {
                (name.clone(), format!("{value}"), metadata.clone())
            };
            let metrics = reporter.kept().iter().map(text).collect();
            (outcome, metrics)
        })
    }

    #[test]
    fn training_is_the_same_again_and_on_every_worker() {
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
    fn a_rate_far_too_high_is_said_to_diverge() {
        let settings = Settings { learning_rate: 1e308, l2: 0.0, goal: 100.0, ..SETTINGS };
        for (outcome, _) in train_on(2, &Source::breast_cancer().unwrap(), &settings) {
            let error = outcome.unwrap_err();
            assert!(error.starts_with("training diverged in epoch "), "{error}");
        }
    }
}
