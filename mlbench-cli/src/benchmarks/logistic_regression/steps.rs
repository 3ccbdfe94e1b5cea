//! Times of the steps of training, under the metric names that all benchmarks of this family use.

use std::time::Duration;

use crate::benchmarks::clock::Clock;
use crate::benchmarks::error::Error;
use crate::benchmarks::ring::Ring;

/// A timed part of training on one batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    BatchLoad,
    Init,
    FwdPass,
    CompLoss,
    Backprop,
    Agg,
    Update,
    CompMetrics,
}

impl Step {
    pub(crate) const ALL: [Self; 8] = [
        Self::BatchLoad,
        Self::Init,
        Self::FwdPass,
        Self::CompLoss,
        Self::Backprop,
        Self::Agg,
        Self::Update,
        Self::CompMetrics,
    ];

    /// Returns the name of the metric.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::BatchLoad => "batch_load",
            Self::Init => "init",
            Self::FwdPass => "fwd_pass",
            Self::CompLoss => "comp_loss",
            Self::Backprop => "backprop",
            Self::Agg => "agg",
            Self::Update => "opt_step",
            Self::CompMetrics => "comp_metrics",
        }
    }
}

/// Total seconds of each step.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct StepTimes {
    steps: [f64; Step::ALL.len()],
    /// The part of [`Step::Agg`] in which the rank waited for others.
    waiting: f64,
}

/// Seconds by what a rank did. The rest of its time went into preparing batches and into statistics.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Breakdown {
    pub(crate) compute: f64,
    /// Sending, receiving and summing gradients.
    pub(crate) transfer: f64,
    /// Waiting for the gradients of other ranks.
    pub(crate) waiting: f64,
}

impl StepTimes {
    /// Returns the seconds of one step.
    pub(crate) fn of(&self, step: Step) -> f64 {
        self.steps[step as usize]
    }

    /// Returns the seconds of all steps.
    pub(crate) fn total(&self) -> f64 {
        self.steps.iter().sum()
    }

    /// Returns the metrics with their names: every step, and what aggregation consists of.
    pub(crate) fn metrics(&self, workers: usize) -> impl Iterator<Item = (&'static str, f64)> {
        let Breakdown { transfer, waiting, .. } = self.breakdown(workers);
        let steps = Step::ALL.map(|step| (step.name(), self.of(step)));
        steps.into_iter().chain([("agg_transfer", transfer), ("agg_wait", waiting)])
    }

    /// Returns the seconds by what the rank did.
    ///
    /// Aggregation is transfer and waiting if the world has several workers, else computation.
    pub(crate) fn breakdown(&self, workers: usize) -> Breakdown {
        let steps = [Step::FwdPass, Step::CompLoss, Step::Backprop, Step::Update];
        let compute: f64 = steps.into_iter().map(|step| self.of(step)).sum();
        let agg = self.of(Step::Agg);
        if workers == 1 {
            return Breakdown { compute: compute + agg, transfer: 0.0, waiting: 0.0 };
        }
        Breakdown { compute, transfer: agg - self.waiting, waiting: self.waiting }
    }

    /// Adds the times of an epoch.
    pub(crate) fn add(&mut self, other: &Self) {
        for (sum, seconds) in self.steps.iter_mut().zip(other.steps) {
            *sum += seconds;
        }
        self.waiting += other.waiting;
    }

    /// Replaces the times by their mean over all ranks.
    pub(crate) fn average(&mut self, ring: &mut Ring) -> Result<(), Error> {
        let mut all = [0.0; Step::ALL.len() + 1];
        let seconds = self.steps.iter().chain([&self.waiting]);
        all.iter_mut().zip(seconds).for_each(|(sum, seconds)| *sum = *seconds);
        ring.all_reduce(&mut all)?;
        let mean = all.map(|sum| sum / ring.size() as f64);
        self.steps.copy_from_slice(&mean[..Step::ALL.len()]);
        self.waiting = mean[Step::ALL.len()];
        Ok(())
    }

    /// Returns the mean of several times.
    pub(crate) fn mean(times: impl ExactSizeIterator<Item = Self>) -> Self {
        let count = times.len().max(1) as f64;
        let mut mean = Self::default();
        times.for_each(|times| mean.add(&times));
        mean.steps.iter_mut().for_each(|seconds| *seconds /= count);
        mean.waiting /= count;
        mean
    }
}

/// Attributes all elapsed time to steps.
pub(crate) struct StepClock {
    clock: Clock,
    last: Duration,
    times: StepTimes,
}

impl StepClock {
    /// Starts the clock of the ring.
    pub(crate) fn start(ring: &mut Ring) -> Self {
        // What the rank waited before is not part of these steps.
        ring.take_waiting();
        let clock = ring.clock().clone();
        Self { last: clock.now(), clock, times: StepTimes::default() }
    }

    /// Attributes the time since the last call to `step`.
    pub(crate) fn lap(&mut self, step: Step) {
        let now = self.clock.now();
        self.times.steps[step as usize] += (now - self.last).as_secs_f64();
        self.last = now;
    }

    /// Returns the times.
    pub(crate) fn stop(mut self, ring: &mut Ring) -> StepTimes {
        self.times.waiting = ring.take_waiting().as_secs_f64();
        self.times
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmarks::ring::testing::in_ring;

    #[test]
    fn aggregation_is_transfer_and_waiting_only_with_other_workers() {
        let mut times = StepTimes { steps: [0.0, 0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 0.0], waiting: 5.0 };
        assert_eq!(times.breakdown(2), Breakdown { compute: 23.0, transfer: 3.0, waiting: 5.0 });
        assert_eq!(times.breakdown(1), Breakdown { compute: 31.0, transfer: 0.0, waiting: 0.0 });
        times.add(&times.clone());
        assert_eq!((times.of(Step::Agg), times.waiting), (16.0, 10.0));
        assert_eq!(times.total(), 62.0);
        let zero = StepTimes::default();
        let mean = StepTimes::mean([times, zero].into_iter());
        assert_eq!((mean.total(), mean.waiting), (31.0, 5.0));
    }

    #[test]
    fn times_are_averaged_over_all_ranks() {
        let means = in_ring(2, |mut ring| {
            let rank = ring.rank() as f64;
            let mut times = StepTimes { steps: [2.0 * rank; 8], waiting: 4.0 * rank };
            times.average(&mut ring).unwrap();
            times
        });
        assert_eq!(means, [StepTimes { steps: [1.0; 8], waiting: 2.0 }; 2]);
    }

    #[test]
    fn each_step_has_its_own_index() {
        for (index, step) in Step::ALL.into_iter().enumerate() {
            assert_eq!(step as usize, index);
        }
    }

    #[test]
    fn the_clock_attributes_all_elapsed_time() {
        let mut ring = Ring::single();
        let started = ring.clock().now();
        let mut clock = StepClock::start(&mut ring);
        for step in Step::ALL {
            clock.lap(step);
        }
        let elapsed = (clock.last - started).as_secs_f64();
        let times = clock.stop(&mut ring);
        assert!(times.total() <= elapsed && times.steps.iter().all(|seconds| *seconds >= 0.0));
    }
}
