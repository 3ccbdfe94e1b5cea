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
    /// In epochs: how often to validate and report.
    pub(super) validate_every: usize,
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

/// What one worker's training was like since it last reported.
#[derive(Debug, Default)]
struct Progress {
    /// Rows learned from.
    rows: usize,
    /// Sum over these, while they were learned from; without the penalty.
    loss: f64,
    /// How many of them were on the right side, while they were learned from.
    correct: usize,
    times: StepTimes,
}

impl Progress {
    fn mean_loss(&self) -> f64 {
        self.loss / self.rows.max(1) as f64
    }

    /// In percent.
    fn accuracy(&self) -> f64 {
        100.0 * self.correct as f64 / self.rows.max(1) as f64
    }
}

/// Trains until the goal is reached, and reports every epoch, or every so many. Validation is not part of the time it
/// takes.
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
    let (mut total, mut progress) = (StepTimes::default(), Progress::default());
    let mut best: f64 = 0.0;
    for epoch in 1..=settings.max_epochs {
        trainer.epoch(epoch, ring, &mut progress)?;
        if epoch % settings.validate_every != 0 && epoch < settings.max_epochs {
            continue;
        }
        let validation = trainer.validate(ring)?;
        report(reporter, ring, epoch, &progress, validation)?;
        total.add(&progress.times);
        progress = Progress::default();
        if !validation.loss.is_finite() {
            return Err(Error::Diverged { epoch });
        }
        if validation.accuracy >= settings.goal {
            report_goal(reporter, ring, epoch, settings.goal, total)?;
            return Ok(Trained { epochs: epoch, weights: trainer.model.weights });
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
    fn epoch(&mut self, number: usize, ring: &mut Ring, progress: &mut Progress) -> Result<(), Error> {
        let (share, model) = (self.share, &mut self.model);
        let mut clock = StepClock::start();
        let mut order: Vec<_> = share.batches.iter().collect();
        Random::new(self.settings.seed, number as u64).shuffle(&mut order);
        for batch in order {
            clock.lap(Step::BatchLoad);
            model.clear();
            clock.lap(Step::Init);
            // Block by block, so that the rows are fetched from memory once, not for the scores and the gradient each.
            for rows in share.train.blocks(batch.rows.clone()) {
                let labels = &share.train.labels()[rows.clone()];
                model.forward(&share.train, rows.clone());
                clock.lap(Step::FwdPass);
                progress.correct += model.correct(labels);
                clock.lap(Step::CompMetrics);
                progress.loss += model.losses(labels);
                clock.lap(Step::CompLoss);
                model.backward(&share.train, rows);
                clock.lap(Step::Backprop);
            }
            ring.all_reduce(&mut model.gradient)?;
            clock.lap(Step::Agg);
            // The schedule of Bottou, *Stochastic gradient descent tricks* (2012).
            let Settings { learning_rate, l2, .. } = self.settings;
            let rate = learning_rate / (1.0 + learning_rate * l2 * self.steps as f64);
            model.step(rate, *l2, batch.total);
            self.steps += 1;
            clock.lap(Step::Update);
        }
        progress.rows += share.train.len();
        progress.times.add(&clock.stop());
        Ok(())
    }

    fn validate(&mut self, ring: &mut Ring) -> Result<Validation, Error> {
        let rows = &self.share.validation;
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
    epoch: usize,
    progress: &Progress,
    validation: Validation,
) -> Result<(), Error> {
    let metadata = metadata(ring.rank(), epoch);
    let times = progress.times;
    reporter.metric("train_loss", progress.mean_loss(), &metadata)?;
    reporter.metric("train_Prec@1", progress.accuracy(), &metadata)?;
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
    reporter.say(format_args!(
        "epoch {epoch}: train loss {:.4}{validated}; {:.2} ms: {:.2} compute, {:.2} communication",
        progress.mean_loss(),
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
    // Small data are learned in milliseconds.
    let digits = if seconds < 1.0 { 6 } else { 3 };
    let result = format!("{goal}% Top 1 Validation Accuracy reached in {seconds:.digits$} seconds");
    reporter.metric("TaskResult", result.as_str(), &metadata)?;
    reporter.say(format_args!("{result}"))
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
    fn reporting_more_rarely_changes_nothing_else() {
        let source = Source::breast_cancer().unwrap();
        let settings = |validate_every| Settings { validate_every, goal: 100.0, max_epochs: 10, ..SETTINGS };
        let losses = |validate_every| -> Vec<f64> {
            let (outcome, metrics) = train_on(2, &source, &settings(validate_every)).remove(0);
            assert!(outcome.unwrap_err().starts_with("the goal of 100% validation accuracy was not reached"));
            let values = metrics.iter().filter(|(name, _, _)| name == "val_global_loss @ 0");
            values.map(|(_, value, _)| value.parse().unwrap()).collect()
        };
        let every = losses(1);
        assert_eq!(every.len(), 10);
        // Of the last epoch too, though 4 does not divide 10.
        assert_eq!(losses(4), [every[3], every[7], every[9]]);
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
