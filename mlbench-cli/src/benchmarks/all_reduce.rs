//! Measures the all-reduce that the other benchmarks use: time and bus bandwidth, by vector length.

use std::io::Write;
use std::num::NonZeroUsize;
use std::time::Duration;

use super::args::{WorldArgs, parse_count};
use super::error::Error;
use super::report::{Reporter, print_line};
use super::ring::Ring;

// No doc comment on the struct: clap would use it as the description of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    world: WorldArgs,
    /// Vector lengths in 4-byte numbers, comma-separated [default: powers of ten up to --max-count]
    #[arg(long, value_name = "COUNTS", value_delimiter = ',', value_parser = parse_count)]
    counts: Vec<NonZeroUsize>,
    /// Longest vector length without --counts, in 4-byte numbers
    #[arg(long, value_name = "COUNT", default_value = "10000000", value_parser = parse_count, conflicts_with = "counts")]
    max_count: NonZeroUsize,
}

impl Args {
    fn counts(&self) -> Vec<usize> {
        if self.counts.is_empty() {
            let powers = std::iter::successors(Some(1_usize), |count| count.checked_mul(10));
            return powers.take_while(|count| *count <= self.max_count.get()).collect();
        }
        self.counts.iter().map(|count| count.get()).collect()
    }
}

/// How often to measure each vector length.
#[derive(Debug, Clone, Copy)]
struct Schedule {
    /// All-reduces before the measurement, which warm caches and congestion windows.
    warm_ups: usize,
    /// Most measured all-reduces.
    max_repetitions: usize,
    /// Time of the measured all-reduces after which no further one starts.
    max_time: Duration,
}

const SCHEDULE: Schedule = Schedule { warm_ups: 5, max_repetitions: 100, max_time: Duration::from_secs(2) };

/// Result for one vector length.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Measurement {
    count: usize,
    workers: usize,
    repetitions: usize,
    /// Time of one all-reduce in seconds, averaged over repetitions and workers like in nccl-tests.
    seconds: f64,
    /// The part of it in which a worker waited for others, averaged likewise.
    waiting: f64,
}

impl Measurement {
    fn bytes(self) -> usize {
        self.count * size_of::<f32>()
    }

    /// Returns the bytes of the vector per second.
    fn algorithm_bandwidth(self) -> f64 {
        self.bytes() as f64 / self.seconds
    }

    /// Returns the bytes per second over each link, which does not depend on the number of workers.
    ///
    /// nccl-tests define it as `2 (n - 1) / n` times the algorithm bandwidth
    /// (<https://github.com/NVIDIA/nccl-tests/blob/master/doc/PERFORMANCE.md>).
    fn bus_bandwidth(self) -> f64 {
        let workers = self.workers as f64;
        self.algorithm_bandwidth() * 2.0 * (workers - 1.0) / workers
    }
}

/// Measures all vector lengths as one worker.
///
/// # Errors
/// [`Error::WrongSum`], or the first failure of the ring or of the metrics.
pub(crate) fn run(args: &Args, console: &mut dyn Write) -> Result<(), Error> {
    let world = args.world.world()?;
    if world.rank == 0 {
        args.world.print_ignored(console)?;
        if args.world.light {
            print_line(console, format_args!("--light: no effect; this benchmark has no goal"))?;
        }
    }
    args.world.pin(&world, console)?;
    let mut reporter = Reporter::new(args.world.destination(), world.rank, console)?;
    let mut ring = args.world.form_ring(&world)?;
    let outcome = measure_all(&args.counts(), SCHEDULE, &mut ring, &mut reporter);
    // Store the results up to a failure, too.
    reporter.finish(outcome)
}

fn measure_all(
    counts: &[usize],
    schedule: Schedule,
    ring: &mut Ring,
    reporter: &mut Reporter<'_>,
) -> Result<(), Error> {
    if ring.rank() == 0 {
        reporter.print(format_args!("all-reduce (sum of f32), world size {}", ring.size()))?;
        let (algorithm, bus) = ("algbw (GB/s)", "busbw (GB/s)");
        reporter.print(format_args!(
            "{:>10} {:>12} {:>11} {:>14} {:>14} {algorithm:>13} {bus:>13}",
            "count", "bytes", "repetitions", "time (us)", "waiting (us)"
        ))?;
    }
    for count in counts {
        let measurement = measure(*count, schedule, ring)?;
        if ring.rank() == 0 {
            report(measurement, reporter)?;
        }
    }
    Ok(())
}

fn report(measurement: Measurement, reporter: &mut Reporter<'_>) -> Result<(), Error> {
    let Measurement { count, workers, repetitions, seconds, waiting } = measurement;
    let bytes = measurement.bytes();
    let metadata = format!(
        "{{rank: 0, count: {count}, bytes: {bytes}, repetitions: {repetitions}, world_size: {workers}}}"
    );
    reporter.metric(&format!("allreduce_time_s/{count}"), seconds, &metadata);
    reporter.metric(&format!("allreduce_wait_s/{count}"), waiting, &metadata);
    reporter.metric(&format!("allreduce_busbw_bytes_per_s/{count}"), measurement.bus_bandwidth(), &metadata);
    let (algorithm, bus) = (measurement.algorithm_bandwidth() / 1e9, measurement.bus_bandwidth() / 1e9);
    let (time, waiting) = (seconds * 1e6, waiting * 1e6);
    reporter.print(format_args!(
        "{count:>10} {bytes:>12} {repetitions:>11} {time:>14.2} {waiting:>14.2} {algorithm:>13.4} {bus:>13.4}"
    ))
}

fn measure(count: usize, schedule: Schedule, ring: &mut Ring) -> Result<Measurement, Error> {
    let own: Vec<f32> = (0..count).map(|index| element(index, ring.rank())).collect();
    let mut sum = own.clone();
    for _ in 0..schedule.warm_ups {
        sum.copy_from_slice(&own);
        ring.all_reduce(&mut sum)?;
    }
    let workers = ring.size();
    let (mut spent, mut waited, mut repetitions) = (0.0, 0.0, 0);
    let (seconds, waiting) = loop {
        sum.copy_from_slice(&own);
        // This starts all workers together and gives them the same mean time, so that they stop after the
        // same repetition.
        let mut of_all = [spent, waited];
        ring.all_reduce(&mut of_all)?;
        let [mean, mean_waited] = of_all.map(|sum| sum / workers as f64);
        if repetitions == schedule.max_repetitions || mean >= schedule.max_time.as_secs_f64() {
            break (mean / repetitions as f64, mean_waited / repetitions as f64);
        }
        ring.take_waiting();
        let start = ring.clock().now();
        ring.all_reduce(&mut sum)?;
        spent += (ring.clock().now() - start).as_secs_f64();
        waited += ring.take_waiting().as_secs_f64();
        repetitions += 1;
        verify(&sum, workers)?;
    };
    Ok(Measurement { count, workers, repetitions, seconds, waiting })
}

/// Returns an element of a worker's vector: a small whole number, so that sums are exact in any order.
fn element(index: usize, rank: usize) -> f32 {
    ((index + rank) % 8) as f32
}

fn verify(sum: &[f32], workers: usize) -> Result<(), Error> {
    // The elements repeat after 8, and so do their sums.
    let expected: [f32; 8] = std::array::from_fn(|index| (0..workers).map(|rank| element(index, rank)).sum());
    let wrong = sum.iter().zip(expected.iter().cycle()).position(|(found, expected)| found != expected);
    wrong.map_or(Ok(()), |index| {
        let (found, expected) = (sum[index], expected[index % 8]);
        Err(Error::WrongSum { count: sum.len(), index, found, expected })
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::benchmarks::ring::testing::in_ring;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        args: Args,
    }

    fn parse(arguments: &str) -> Args {
        let words = std::iter::once("mlbench").chain(arguments.split_whitespace());
        Command::try_parse_from(words).unwrap().args
    }

    #[test]
    fn vector_lengths_default_to_powers_of_ten() {
        assert_eq!(parse("").counts(), [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000]);
        assert_eq!(parse("--max-count 99").counts(), [1, 10]);
        assert_eq!(parse("--counts 5,3000").counts(), [5, 3000]);
    }

    #[test]
    fn bus_bandwidth_is_defined_as_in_nccl_tests() {
        let measurement =
            Measurement { count: 1_000_000, workers: 4, repetitions: 1, seconds: 0.5, waiting: 0.0 };
        assert_eq!(measurement.algorithm_bandwidth(), 8e6);
        assert_eq!(measurement.bus_bandwidth(), 12e6);
        assert_eq!(Measurement { workers: 1, ..measurement }.bus_bandwidth(), 0.0);
    }

    #[test]
    fn only_the_first_worker_reports_the_measurements() {
        let schedule = Schedule { warm_ups: 1, max_repetitions: 3, max_time: Duration::from_secs(60) };
        let reported = in_ring(3, |mut ring| {
            let mut console = Vec::new();
            let mut reporter = Reporter::in_memory(ring.rank(), &mut console);
            measure_all(&[1, 1000], schedule, &mut ring, &mut reporter).unwrap();
            reporter
                .metrics()
                .iter()
                .map(|(name, _, metadata)| (name.clone(), metadata.clone()))
                .collect::<Vec<_>>()
        });
        let names: Vec<_> = reported[0].iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "allreduce_time_s/1 @ 0",
                "allreduce_wait_s/1 @ 0",
                "allreduce_busbw_bytes_per_s/1 @ 0",
                "allreduce_time_s/1000 @ 0",
                "allreduce_wait_s/1000 @ 0",
                "allreduce_busbw_bytes_per_s/1000 @ 0",
            ]
        );
        assert_eq!(reported[0][3].1, "{rank: 0, count: 1000, bytes: 4000, repetitions: 3, world_size: 3}");
        assert!(reported[1].is_empty() && reported[2].is_empty());
    }

    #[test]
    fn all_workers_stop_after_the_same_repetition() {
        let schedule =
            Schedule { warm_ups: 0, max_repetitions: usize::MAX, max_time: Duration::from_millis(20) };
        let measurements = in_ring(3, |mut ring| measure(100, schedule, &mut ring).unwrap());
        assert_eq!(measurements[0], measurements[1]);
        assert_eq!(measurements[0], measurements[2]);
        assert!(measurements[0].repetitions > 0);
    }

    #[test]
    fn a_wrong_sum_is_found() {
        let mut sum: Vec<f32> = (0..20).map(|index| element(index, 0) + element(index, 1)).collect();
        assert!(verify(&sum, 2).is_ok());
        sum[17] += 1.0;
        let error = verify(&sum, 2).unwrap_err().to_string();
        assert_eq!(error, "all-reduce of 20 numbers: wrong sum, element 17 is 4 instead of 3");
    }
}
