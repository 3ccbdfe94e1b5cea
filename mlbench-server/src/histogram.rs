//! Lock-free histograms, cheap enough for every request: two atomic additions per measurement.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use mlbench_core::storage::HistogramSnapshot;

/// Counts of measurements per bucket, and their sum.
#[derive(Debug)]
pub struct Histogram {
    layout: BucketLayout,
    /// One count per bound, and one for measurements above the last bound.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// The bounds of the buckets, and the unit of the export.
#[derive(Debug, Clone, Copy)]
pub struct BucketLayout {
    /// Upper bounds in ascending order. A measurement belongs to the first bound that it does not exceed.
    pub bounds: &'static [u64],
    /// Measured units per exported unit: 1,000,000 when microseconds are exported as seconds.
    pub units_per_export: f64,
}

impl BucketLayout {
    /// Microseconds from 0.1 ms to 10 s, exported as seconds.
    pub const SECONDS: Self = Self {
        bounds: &[
            100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000,
            10_000_000,
        ],
        units_per_export: 1_000_000.0,
    };
    /// Sizes of batches, from 1 to 512.
    pub const NUMBERS: Self =
        Self { bounds: &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512], units_per_export: 1.0 };
}

impl Histogram {
    /// Returns an empty histogram.
    #[must_use]
    pub fn new(layout: BucketLayout) -> Self {
        let counts = (0..=layout.bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { layout, counts, sum: AtomicU64::new(0) }
    }

    /// Counts a measurement.
    pub fn observe(&self, measured: u64) {
        let bucket = self.layout.bounds.partition_point(|bound| *bound < measured);
        self.counts[bucket].fetch_add(1, Relaxed);
        self.sum.fetch_add(measured, Relaxed);
    }

    /// Returns the current counts and their sum.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "sums and bounds are far below 2^53")]
    pub fn snapshot(&self) -> HistogramSnapshot {
        let to_export = |measured: u64| measured as f64 / self.layout.units_per_export;
        let counts: Vec<u64> = self.counts.iter().map(|count| count.load(Relaxed)).collect();
        HistogramSnapshot {
            buckets: self
                .layout
                .bounds
                .iter()
                .map(|&bound| to_export(bound))
                .zip(counts.iter().copied())
                .collect(),
            overflow: counts.last().copied().unwrap_or_default(),
            sum: to_export(self.sum.load(Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measurement_belongs_to_the_first_bound_that_it_does_not_exceed() {
        let histogram = Histogram::new(BucketLayout { bounds: &[10, 100], units_per_export: 10.0 });
        for measured in [0, 10, 11, 100, 101, 5_000] {
            histogram.observe(measured);
        }
        let expected = HistogramSnapshot { buckets: vec![(1.0, 2), (10.0, 2)], overflow: 2, sum: 522.2 };
        assert_eq!(histogram.snapshot(), expected);
    }
}
