//! The speed of reading points and runs.

use std::time::Instant;

use super::bench::{Bench, TURNS};
use crate::bare::Scan;
use crate::client::get;
use crate::data::Series;
use crate::error::Result;
use crate::load::{PacedLoad, Samples, sequential};
use crate::report::Measurement;

/// Connections that write during the mixed measurements.
const WRITERS: u32 = 32;
/// Seconds for which the writing load has requests: more than the reads take.
const MIXED_SECONDS: f64 = 40.0;
const MIXED_HEALTH: &str = "/healthz while ingesting at half the maximum, p99";

fn all_of(series: Series, query: &str) -> Vec<u8> {
    get(&format!("/api/metrics/{}/?metric_type=run{query}", series.run))
}

/// Times a blocking function.
fn time_blocking<T>(rounds: usize, mut work: impl FnMut() -> Result<T>) -> Result<Samples> {
    let mut times = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let begin = Instant::now();
        std::hint::black_box(work()?);
        times.push(begin.elapsed());
    }
    Ok(Samples::new(times))
}

impl Bench<'_> {
    fn rounds(&self, full: usize) -> usize {
        if self.options.quick { full.div_ceil(4) } else { full }
    }

    /// Times a request and its limit in turns, each about `full` times.
    async fn with_limit<T>(
        &self,
        request: &[u8],
        full: usize,
        mut limit: impl FnMut() -> Result<T>,
    ) -> Result<(Samples, Samples)> {
        let rounds = self.rounds(full).div_ceil(TURNS as usize);
        let (mut reads, mut bare) = (Samples::default(), Samples::default());
        for _ in 0..TURNS {
            reads = reads.merge(sequential(self.server.address(), &[request.to_vec()], rounds).await?);
            bare = bare.merge(time_blocking(rounds, &mut limit)?);
        }
        Ok((reads, bare))
    }

    /// Reads all points of 10 series.
    pub(super) async fn read(&self) -> Result<Vec<Measurement>> {
        let request = all_of(self.runs.short, "");
        let scan = Scan::open(self.database)?;
        // The first request of a server also reads the code of the program from disk.
        sequential(self.server.address(), &self.newest(), 1).await?;
        let before = self.server.reset_peak()?;
        let response = self.server.connect().await?.body(&request).await?;
        if response != scan.print(self.runs.short.run)? {
            return Err("the response of the server differs from the output of the bare scan".into());
        }
        let (reads, bare) = self.with_limit(&request, 40, || scan.print(self.runs.short.run)).await?;
        let growth = self.server.peak()? - before;
        let table = all_of(self.runs.short, "&format=arrow");
        let tables = sequential(self.server.address(), &[table], self.rounds(40)).await?;
        Ok(vec![
            Measurement::new("read", "read of 100,000 points (10 series)", reads.percentile(50.0), "ms")
                .limit("bare scan that prints the same bytes", bare.percentile(50.0))
                .note("p99 ms", reads.percentile(99.0))
                .note("memory grows MiB", growth)
                .times_at_most(0.6)
                .note_below("memory grows MiB", 8.0),
            Measurement::new("read", "the same as an Arrow stream", tables.percentile(50.0), "ms")
                .note("p99 ms", tables.percentile(99.0))
                .at_most(8.0),
        ])
    }

    /// Reads the newest point of one series of many.
    pub(super) async fn last(&self) -> Result<Vec<Measurement>> {
        let reads = sequential(self.server.address(), &self.newest(), self.rounds(40)).await?;
        Ok(vec![
            Measurement::new("last", "last_n=1 of one of 100 series", reads.percentile(50.0), "ms")
                .note("p99 ms", reads.percentile(99.0))
                .note_below("p99 ms", 3.0),
        ])
    }

    /// Downsamples a million points to a thousand buckets.
    pub(super) async fn minmax(&self) -> Result<Vec<Measurement>> {
        let request = all_of(self.runs.long, "&downsample=minmax&points=1000");
        let scan = Scan::open(self.database)?;
        let (reads, bare) = self.with_limit(&request, 12, || scan.step(self.runs.long.run)).await?;
        Ok(vec![
            Measurement::new("minmax", "1 M points into 1,000 minmax buckets", reads.percentile(50.0), "ms")
                .limit("stepping through the rows", bare.percentile(50.0))
                .note("p99 ms", reads.percentile(99.0))
                .at_most(10.0)
                .times_at_most(1.0 / 15.0),
        ])
    }

    /// Averages the ten thousand points of each series into a hundred.
    pub(super) async fn summarize(&self) -> Result<Vec<Measurement>> {
        let request = all_of(self.runs.short, "&summarize=100");
        let scan = Scan::open(self.database)?;
        let (reads, bare) = self.with_limit(&request, 40, || scan.step(self.runs.short.run)).await?;
        Ok(vec![
            Measurement::new(
                "summarize",
                "summarize=100 over 10 × 10,000 points",
                reads.percentile(50.0),
                "ms",
            )
            .limit("stepping through the rows", bare.percentile(50.0))
            .note("p99 ms", reads.percentile(99.0))
            .at_most(5.0),
        ])
    }

    /// Lists all runs.
    pub(crate) async fn list_of_runs(&self, many: u64) -> Result<Vec<Measurement>> {
        let reads = sequential(self.server.address(), &[get("/api/runs/")], self.rounds(40)).await?;
        Ok(vec![
            Measurement::new("runs", format!("list of {many} runs"), reads.percentile(50.0), "ms")
                .note("p99 ms", reads.percentile(99.0))
                .at_most(if many <= 1_000 { 3.0 } else { 30.0 }),
        ])
    }

    /// Times the same reads on an idle server, and while points arrive at half the maximum rate.
    pub(super) async fn mixed(&mut self) -> Result<Vec<Measurement>> {
        if self.max_per_second.is_none() {
            self.single().await?;
        }
        let pace = self.max_per_second.unwrap_or(1_000.0) / 2.0;
        let whole = [all_of(self.runs.short, "")];
        let newest = self.newest();
        let healthz = [get("/healthz")];
        let read = async || {
            let health = sequential(self.server.address(), &healthz, self.rounds(2_000)).await?;
            let newest = sequential(self.server.address(), &newest, self.rounds(20)).await?;
            let whole = sequential(self.server.address(), &whole, self.rounds(100)).await?;
            Result::Ok(([newest, whole], health))
        };
        let (idle, idle_health) = read().await?;
        let posts = self.singles((pace * MIXED_SECONDS) as usize);
        let load = PacedLoad::start(self.server.address(), posts, WRITERS, pace);
        let busy = read().await;
        let reached = load.stop()?;
        let (busy, busy_health) = busy?;
        // The wait for a core, which every request shares.
        let health = Measurement::new("mixed", MIXED_HEALTH, busy_health.percentile(99.0), "ms")
            .limit("the same idle", idle_health.percentile(99.0));
        let reads = ["last_n=1", "read of 100,000 points"];
        let measurements = reads.into_iter().zip(idle).zip(busy).map(|((what, idle), busy)| {
            let what = format!("{what} while ingesting at half the maximum, p99");
            Measurement::new("mixed", what, busy.percentile(99.0), "ms")
                .limit("the same idle", idle.percentile(99.0))
                .note("p50 ms", busy.percentile(50.0))
                .note("posts/s", reached)
                .times_at_most(3.0)
        });
        Ok(measurements.chain([health]).collect())
    }

    /// Returns requests for the newest point of each wide series.
    fn newest(&self) -> Vec<Vec<u8>> {
        let wide = self.runs.wide;
        let one = |number| {
            let name = Series::name(number).replace(' ', "%20").replace('@', "%40");
            all_of(wide, &format!("&metric_filter={name}&last_n=1"))
        };
        (0..wide.count).map(one).collect()
    }
}
