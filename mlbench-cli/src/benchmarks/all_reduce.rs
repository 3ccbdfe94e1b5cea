//! The raw performance of the all-reduce that the other benchmarks use: time and bus bandwidth, by size.

use std::io::Write;
use std::time::{Duration, Instant};

use super::Error;
use super::args::WorldArgs;
use super::report::Reporter;
use super::ring::Ring;

// No doc comment on the struct: clap would take it for the description of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    world: WorldArgs,
    /// Lengths of the vectors, in numbers of 4 bytes, separated by commas [default: 1, 10, 100 and so on]
    #[arg(long, value_name = "COUNTS", value_delimiter = ',')]
    counts: Vec<std::num::NonZeroUsize>,
    /// The longest vector without --counts
    #[arg(long, value_name = "COUNT", default_value = "10000000", conflicts_with = "counts")]
    max_count: std::num::NonZeroUsize,
    /// Accepted for the official images' sake: there is no goal to lower
    #[arg(long)]
    light: bool,
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

/// How often each size is measured.
#[derive(Debug, Clone, Copy)]
struct Effort {
    /// Before the measurement, for caches and congestion windows.
    warm_ups: usize,
    /// At most.
    repetitions: usize,
    /// No repetition begins after this much time spent in the earlier ones.
    time: Duration,
}

const EFFORT: Effort = Effort { warm_ups: 5, repetitions: 100, time: Duration::from_secs(2) };

/// What one size came to.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Figure {
    count: usize,
    workers: usize,
    repetitions: usize,
    /// Of one all-reduce, in seconds: the mean over repetitions and workers, as nccl-tests have it by default.
    seconds: f64,
}

impl Figure {
    fn bytes(self) -> usize {
        self.count * size_of::<f32>()
    }

    /// Bytes of the vector per second.
    fn algorithm_bandwidth(self) -> f64 {
        self.bytes() as f64 / self.seconds
    }

    /// Bytes per second over each link, whatever the number of workers: `2 (n - 1) / n` times the vector in this time,
    /// the definition of the nccl-tests (<https://github.com/NVIDIA/nccl-tests/blob/master/doc/PERFORMANCE.md>).
    fn bus_bandwidth(self) -> f64 {
        let workers = self.workers as f64;
        self.algorithm_bandwidth() * 2.0 * (workers - 1.0) / workers
    }
}

/// Measures all sizes as one worker.
///
/// # Errors
/// [`Error::WrongSum`], or what kept it from measuring or from reporting.
pub(crate) fn run(args: &Args, console: &mut dyn Write) -> Result<(), Error> {
    let place = args.world.place()?;
    if place.rank == 0 {
        args.world.remark(console)?;
        if args.light {
            writeln!(console, "--light: this benchmark has no goal to lower")?;
        }
    }
    let mut reporter = Reporter::new(args.world.destination(), place.rank, console)?;
    let mut ring = args.world.form_ring(&place)?;
    let outcome = measure_all(&args.counts(), EFFORT, &mut ring, &mut reporter);
    // What was measured up to a failure is worth keeping too.
    let stored = reporter.finish();
    outcome.and(stored)
}

fn measure_all(
    counts: &[usize],
    effort: Effort,
    ring: &mut Ring,
    reporter: &mut Reporter<'_>,
) -> Result<(), Error> {
    if ring.rank() == 0 {
        reporter.say(format_args!("all-reduce of f32 sums over {} workers", ring.size()))?;
        let (algorithm, bus) = ("algbw (GB/s)", "busbw (GB/s)");
        reporter.say(format_args!(
            "{:>10} {:>12} {:>11} {:>14} {algorithm:>13} {bus:>13}",
            "count", "bytes", "repetitions", "time (us)"
        ))?;
    }
    for count in counts {
        let figure = measure(*count, effort, ring)?;
        if ring.rank() == 0 {
            report(figure, reporter)?;
        }
    }
    Ok(())
}

fn report(figure: Figure, reporter: &mut Reporter<'_>) -> Result<(), Error> {
    let Figure { count, workers, repetitions, seconds } = figure;
    let bytes = figure.bytes();
    let metadata = format!(
        "{{rank: 0, count: {count}, bytes: {bytes}, repetitions: {repetitions}, world_size: {workers}}}"
    );
    reporter.metric(&format!("allreduce_time_s/{count}"), seconds, &metadata)?;
    reporter.metric(&format!("allreduce_busbw_bytes_per_s/{count}"), figure.bus_bandwidth(), &metadata)?;
    let (algorithm, bus) = (figure.algorithm_bandwidth() / 1e9, figure.bus_bandwidth() / 1e9);
    let time = seconds * 1e6;
    reporter.say(format_args!(
        "{count:>10} {bytes:>12} {repetitions:>11} {time:>14.2} {algorithm:>13.4} {bus:>13.4}"
    ))
}

fn measure(count: usize, effort: Effort, ring: &mut Ring) -> Result<Figure, Error> {
    let own: Vec<f32> = (0..count).map(|index| number(index, ring.rank())).collect();
    let mut sum = own.clone();
    for _ in 0..effort.warm_ups {
        sum.copy_from_slice(&own);
        ring.all_reduce(&mut sum)?;
    }
    let workers = ring.size();
    let (mut spent, mut repetitions) = (0.0, 0);
    let seconds = loop {
        sum.copy_from_slice(&own);
        // All begin together, and all know the same time, so that all end after the same repetition.
        let mut all_spent = [spent];
        ring.all_reduce(&mut all_spent)?;
        let mean = all_spent[0] / workers as f64;
        if repetitions == effort.repetitions || mean >= effort.time.as_secs_f64() {
            break mean / repetitions as f64;
        }
        let start = Instant::now();
        ring.all_reduce(&mut sum)?;
        spent += start.elapsed().as_secs_f64();
        repetitions += 1;
        verify(&sum, workers)?;
    };
    Ok(Figure { count, workers, repetitions, seconds })
}

/// What a worker brings: whole numbers so small that sums are exact in any order.
fn number(index: usize, rank: usize) -> f32 {
    ((index + rank) % 8) as f32
}

fn verify(sum: &[f32], workers: usize) -> Result<(), Error> {
    // The numbers repeat after 8, and so do their sums.
    let expected: [f32; 8] = std::array::from_fn(|index| (0..workers).map(|rank| number(index, rank)).sum());
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
    fn sizes_are_powers_of_ten_unless_given() {
        assert_eq!(parse("").counts(), [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000]);
        assert_eq!(parse("--max-count 99").counts(), [1, 10]);
        assert_eq!(parse("--counts 5,3000").counts(), [5, 3000]);
    }

    #[test]
    fn bus_bandwidth_is_that_of_the_nccl_tests() {
        let figure = Figure { count: 1_000_000, workers: 4, repetitions: 1, seconds: 0.5 };
        assert_eq!(figure.algorithm_bandwidth(), 8e6);
        assert_eq!(figure.bus_bandwidth(), 12e6);
        assert_eq!(Figure { workers: 1, ..figure }.bus_bandwidth(), 0.0);
    }

    #[test]
    fn workers_measure_the_same_sizes_and_the_first_reports_them() {
        let effort = Effort { warm_ups: 1, repetitions: 3, time: Duration::from_secs(60) };
        let reported = in_ring(3, |mut ring| {
            let mut console = Vec::new();
            let mut reporter = Reporter::keeping(ring.rank(), &mut console);
            measure_all(&[1, 1000], effort, &mut ring, &mut reporter).unwrap();
            reporter
                .kept()
                .iter()
                .map(|(name, _, metadata)| (name.clone(), metadata.clone()))
                .collect::<Vec<_>>()
        });
        let names: Vec<_> = reported[0].iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "allreduce_time_s/1 @ 0",
                "allreduce_busbw_bytes_per_s/1 @ 0",
                "allreduce_time_s/1000 @ 0",
                "allreduce_busbw_bytes_per_s/1000 @ 0",
            ]
        );
        assert_eq!(reported[0][2].1, "{rank: 0, count: 1000, bytes: 4000, repetitions: 3, world_size: 3}");
        assert!(reported[1].is_empty() && reported[2].is_empty());
    }

    #[test]
    fn all_workers_stop_together_when_the_time_is_up() {
        let effort = Effort { warm_ups: 0, repetitions: usize::MAX, time: Duration::from_millis(20) };
        let figures = in_ring(3, |mut ring| measure(100, effort, &mut ring).unwrap());
        assert_eq!(figures[0], figures[1]);
        assert_eq!(figures[0], figures[2]);
        assert!(figures[0].repetitions > 0);
    }

    #[test]
    fn a_wrong_sum_is_found() {
        let mut sum: Vec<f32> = (0..20).map(|index| number(index, 0) + number(index, 1)).collect();
        assert!(verify(&sum, 2).is_ok());
        sum[17] += 1.0;
        let error = verify(&sum, 2).unwrap_err().to_string();
        assert_eq!(error, "the all-reduce of 20 numbers is wrong: number 17 is 4, not 3");
    }
}
