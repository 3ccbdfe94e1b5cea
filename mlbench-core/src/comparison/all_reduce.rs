//! Bandwidth of an all-reduce by vector length, as nccl-tests define it.

use std::collections::BTreeMap;

use super::estimate::Values;
use super::result::{AllReduce, AllReduceEstimate};
use crate::time::Timestamp;

/// Bits of an element of the all-reduce benchmark of the command line.
const FLOAT_BITS: u32 = 32;

impl AllReduce {
    /// Computes the bandwidths of an all-reduce of `elements` elements in `seconds`.
    ///
    /// `None` without elements or time.
    #[must_use]
    pub fn new(elements: u64, element_bits: u32, seconds: f64, workers: u32) -> Option<Self> {
        let bytes = elements.checked_mul(u64::from(element_bits))? / 8;
        if bytes == 0 || !seconds.is_finite() || seconds <= 0.0 {
            return None;
        }
        let algorithm_bandwidth = float(bytes) / seconds;
        let bus_bandwidth = algorithm_bandwidth * bus_factor(workers);
        Some(Self { bytes, element_bits, seconds, algorithm_bandwidth, bus_bandwidth })
    }

    /// Reads a metric of `mlbench benchmark all-reduce`, `allreduce_time_s/COUNT @ 0`.
    #[must_use]
    pub fn from_metric(name: &str, seconds: f64, workers: u32) -> Option<Self> {
        let count = name.strip_prefix(Self::PREFIX)?.strip_suffix(" @ 0")?;
        Self::new(count.parse().ok()?, FLOAT_BITS, seconds, workers)
    }

    /// How the names of the metrics begin that [`from_metric`](Self::from_metric) reads.
    pub const PREFIX: &str = "allreduce_time_s/";
}

/// Returns how many times each link carries the bytes of the vector.
fn bus_factor(workers: u32) -> f64 {
    let workers = f64::from(workers);
    2.0 * (workers - 1.0) / workers
}

#[expect(clippy::cast_precision_loss, reason = "a rounding error in the sixteenth digit of a bandwidth")]
fn float(bytes: u64) -> f64 {
    bytes as f64
}

/// Reads the metrics of MLBench's PyTorch backend benchmark.
///
/// For each vector, rank 0 posts its length, then the bits of an element, then the mean seconds of an all-reduce.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AllReduceScan {
    lengths: Vec<(Timestamp, f64)>,
    bits: Vec<(Timestamp, f64)>,
    seconds: Vec<(Timestamp, f64)>,
}

impl AllReduceScan {
    /// The metric with the seconds of an all-reduce. A run without it has no other of these metrics.
    pub const SECONDS: &str = "val_avg_time @ 0";
    /// The metrics whose points the scan takes.
    pub const METRICS: [&str; 3] = ["val_tensor_size @ 0", "val_dtype @ 0", Self::SECONDS];
    /// The most points that are useful of each: the benchmark posts 160.
    pub const MAX_POINTS: u32 = 10_000;

    /// Takes the next point of a metric by date.
    pub fn push(&mut self, name: &str, date: Timestamp, value: Option<f64>) {
        let Some(value) = value else { return };
        let series = match name {
            "val_tensor_size @ 0" => &mut self.lengths,
            "val_dtype @ 0" => &mut self.bits,
            Self::SECONDS => &mut self.seconds,
            _ => return,
        };
        series.push((date, value));
    }

    /// Returns the all-reduces by vector length.
    ///
    /// The length and the bits of each are those that were posted last before its seconds.
    #[must_use]
    pub fn finish(&self, workers: u32) -> Vec<AllReduce> {
        let latest = |series: &[(Timestamp, f64)], date: Timestamp| {
            let after = series.partition_point(|(other, _)| *other <= date);
            whole(series.get(after.checked_sub(1)?)?.1)
        };
        let all = self.seconds.iter().filter_map(|(date, seconds)| {
            let (elements, bits) = (latest(&self.lengths, *date)?, latest(&self.bits, *date)?);
            AllReduce::new(elements, u32::try_from(bits).ok()?, *seconds, workers)
        });
        sorted(all.collect())
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is whole and in range"
)]
fn whole(number: f64) -> Option<u64> {
    (number.fract() == 0.0 && (0.0..1e15).contains(&number)).then_some(number as u64)
}

/// Sorts all-reduces by the width of their elements, then by length.
pub(super) fn sorted(mut all: Vec<AllReduce>) -> Vec<AllReduce> {
    all.sort_by(|one, other| {
        let key = |it: &AllReduce| (it.element_bits, it.bytes);
        key(one).cmp(&key(other)).then(one.seconds.total_cmp(&other.seconds))
    });
    all
}

/// Returns the medians of the all-reduces of several runs.
pub(super) fn estimates<'a>(
    all: impl Iterator<Item = &'a AllReduce>,
    workers: u32,
) -> Vec<AllReduceEstimate> {
    let mut by_length = BTreeMap::<(u32, u64), Vec<f64>>::new();
    for it in all {
        by_length.entry((it.element_bits, it.bytes)).or_default().push(it.seconds);
    }
    let estimate = |((element_bits, bytes), seconds): ((u32, u64), Vec<f64>)| {
        let seconds = Values::new(seconds).estimate()?;
        let algorithm_bandwidth = float(bytes) / seconds.median;
        let bus_bandwidth = algorithm_bandwidth * bus_factor(workers);
        Some(AllReduceEstimate { bytes, element_bits, seconds, algorithm_bandwidth, bus_bandwidth })
    };
    by_length.into_iter().filter_map(estimate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    #[test]
    fn bandwidths_are_defined_as_in_nccl_tests() {
        let it = AllReduce::from_metric("allreduce_time_s/1000000 @ 0", 0.5, 4).unwrap();
        assert_eq!((it.bytes, it.element_bits), (4_000_000, 32));
        assert_eq!((it.algorithm_bandwidth, it.bus_bandwidth), (8e6, 12e6));
        assert_eq!(AllReduce::new(1, 32, 1.0, 1).unwrap().bus_bandwidth, 0.0);
        for name in ["allreduce_time_s/x @ 0", "allreduce_time_s/8 @ 1", "allreduce_wait_s/8 @ 0"] {
            assert_eq!(AllReduce::from_metric(name, 0.5, 4), None, "{name}");
        }
        assert_eq!(AllReduce::new(0, 32, 1.0, 2), None);
        assert_eq!(AllReduce::new(1, 32, 0.0, 2), None);
        assert_eq!(AllReduce::new(u64::MAX, 32, 1.0, 2), None);
    }

    #[test]
    fn the_backend_benchmark_of_mlbench_is_read() {
        let mut scan = AllReduceScan::default();
        let mut date = 0;
        for (elements, bits, seconds) in [(1000.0, 32.0, 0.5), (1000.0, 16.0, 0.25), (1.0, 32.0, 0.125)] {
            for (name, value) in AllReduceScan::METRICS.into_iter().zip([elements, bits, seconds]) {
                date += 1;
                scan.push(name, at(date), Some(value));
            }
        }
        scan.push("val_cuda @ 0", at(date), Some(0.0));
        let found: Vec<_> =
            scan.finish(2).iter().map(|it| (it.element_bits, it.bytes, it.bus_bandwidth)).collect();
        assert_eq!(found, [(16, 2000, 8000.0), (32, 4, 32.0), (32, 4000, 8000.0)]);
    }

    #[test]
    fn seconds_without_a_length_are_left_out() {
        let mut scan = AllReduceScan::default();
        scan.push(AllReduceScan::SECONDS, at(1), Some(0.5));
        scan.push("val_tensor_size @ 0", at(2), Some(0.5));
        scan.push("val_dtype @ 0", at(2), Some(32.0));
        scan.push(AllReduceScan::SECONDS, at(3), Some(0.5));
        assert!(scan.finish(2).is_empty());
    }

    #[test]
    fn the_times_of_several_runs_have_a_median() {
        let runs = [1.0, 4.0, 2.0].map(|seconds| AllReduce::new(1000, 32, seconds, 2).unwrap());
        let [it] = estimates(runs.iter(), 2)[..] else { panic!("one length") };
        assert_eq!((it.bytes, it.seconds.median, it.seconds.n), (4000, 2.0, 3));
        assert_eq!((it.algorithm_bandwidth, it.bus_bandwidth), (2000.0, 2000.0));
    }
}
