//! Times of the steps of training, under the metric names that all benchmarks of this family use.

use std::time::Instant;

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
pub(crate) struct StepTimes(pub(crate) [f64; Step::ALL.len()]);

impl StepTimes {
    /// Returns the seconds of one step.
    pub(crate) fn of(&self, step: Step) -> f64 {
        self.0[step as usize]
    }

    /// Returns the seconds of all steps.
    pub(crate) fn total(&self) -> f64 {
        self.0.iter().sum()
    }

    /// Returns the seconds of computation and of communication.
    ///
    /// Aggregation is communication if the world has several workers, else computation.
    pub(crate) fn compute_and_communication(&self, workers: usize) -> (f64, f64) {
        let steps = [Step::FwdPass, Step::CompLoss, Step::Backprop, Step::Update];
        let compute: f64 = steps.into_iter().map(|step| self.of(step)).sum();
        let agg = self.of(Step::Agg);
        if workers == 1 { (compute + agg, 0.0) } else { (compute, agg) }
    }

    /// Adds the times of an epoch.
    pub(crate) fn add(&mut self, other: &Self) {
        for (sum, seconds) in self.0.iter_mut().zip(other.0) {
            *sum += seconds;
        }
    }
}

/// Attributes all elapsed time to steps.
pub(crate) struct StepClock {
    last: Instant,
    times: StepTimes,
}

impl StepClock {
    /// Starts the clock.
    pub(crate) fn start() -> Self {
        Self { last: Instant::now(), times: StepTimes::default() }
    }

    /// Attributes the time since the last call to `step`.
    pub(crate) fn lap(&mut self, step: Step) {
        let now = Instant::now();
        self.times.0[step as usize] += (now - self.last).as_secs_f64();
        self.last = now;
    }

    /// Returns the times.
    pub(crate) fn stop(self) -> StepTimes {
        self.times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aggregation_is_communication_only_with_other_workers() {
        let mut times = StepTimes([0.0, 0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 0.0]);
        assert_eq!(times.compute_and_communication(2), (23.0, 8.0));
        assert_eq!(times.compute_and_communication(1), (31.0, 0.0));
        times.add(&times.clone());
        assert_eq!(times.of(Step::Agg), 16.0);
        assert_eq!(times.total(), 62.0);
    }

    #[test]
    fn each_step_has_its_own_index() {
        for (index, step) in Step::ALL.into_iter().enumerate() {
            assert_eq!(step as usize, index);
        }
    }

    #[test]
    fn the_clock_attributes_all_elapsed_time() {
        let started = Instant::now();
        let mut clock = StepClock::start();
        for step in Step::ALL {
            clock.lap(step);
        }
        let elapsed = (clock.last - started).as_secs_f64();
        let times = clock.stop();
        assert!(times.total() <= elapsed && times.0.iter().all(|seconds| *seconds >= 0.0));
    }
}
