//! Sinks that pass points to the scans of a comparison, so that no series is ever in memory.

use mlbench_core::MetricName;
use mlbench_core::comparison::{AllReduceScan, GoalScan, StepScan};
use mlbench_core::downsample::minmax::Bucket;
use mlbench_core::storage::{PointRef, PointSink};

/// Scans the metric of a comparison, under each of the names that it may have.
pub(super) struct GoalSink {
    empty: GoalScan,
    scans: Vec<(MetricName, GoalScan)>,
}

impl GoalSink {
    /// Creates a sink that copies this scan for each series.
    pub(super) const fn new(empty: GoalScan) -> Self {
        Self { empty, scans: Vec::new() }
    }

    /// Returns the scan of the first of these names that has points, and that name.
    pub(super) fn finish(self, names: &[MetricName]) -> (Option<MetricName>, GoalScan) {
        let Self { empty, mut scans } = self;
        let found = names.iter().find_map(|name| scans.iter().position(|(other, _)| other == name));
        match found.map(|at| scans.swap_remove(at)) {
            Some((name, scan)) => (Some(name), scan),
            None => (None, empty),
        }
    }
}

impl PointSink for GoalSink {
    fn series(&mut self, name: &MetricName) {
        if self.scans.last().is_none_or(|(last, _)| last != name) {
            self.scans.push((name.clone(), self.empty.clone()));
        }
    }

    fn point(&mut self, point: PointRef<'_>) {
        if let Some((_, scan)) = self.scans.last_mut() {
            let metadata = point.details.map_or("", |details| details.metadata);
            scan.push(point.date, point.value.as_finite(), metadata);
        }
    }

    /// Ignores buckets: these queries do not downsample.
    fn bucket(&mut self, _: &Bucket) {}

    fn is_full(&self) -> bool {
        false
    }
}

/// Scans the times of steps.
pub(super) struct StepSink(pub(super) StepScan);

impl PointSink for StepSink {
    fn series(&mut self, name: &MetricName) {
        self.0.series(name.as_str());
    }

    fn point(&mut self, point: PointRef<'_>) {
        self.0.push(point.date, point.value.as_finite());
    }

    /// Ignores buckets: these queries do not downsample.
    fn bucket(&mut self, _: &Bucket) {}

    fn is_full(&self) -> bool {
        false
    }
}

/// Scans the metrics of MLBench's backend benchmark.
#[derive(Default)]
pub(super) struct AllReduceSink {
    pub(super) scan: AllReduceScan,
    name: String,
}

impl PointSink for AllReduceSink {
    fn series(&mut self, name: &MetricName) {
        name.as_str().clone_into(&mut self.name);
    }

    fn point(&mut self, point: PointRef<'_>) {
        self.scan.push(&self.name, point.date, point.value.as_finite());
    }

    /// Ignores buckets: these queries do not downsample.
    fn bucket(&mut self, _: &Bucket) {}

    fn is_full(&self) -> bool {
        false
    }
}
