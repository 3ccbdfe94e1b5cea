//! How fast points and runs are read.

use std::time::Instant;

use super::{Bench, TURNS};
use crate::Result;
use crate::bare::Scan;
use crate::client::get;
use crate::data::Series;
use crate::load::{Paced, Samples, one_by_one};
use crate::report::Figure;

/// Connections of the load that reading is measured beside.
const WRITERS: u32 = 32;
/// For how many seconds that load has requests.
const PATIENCE: f64 = 40.0;
const WAITS: &str = "/healthz while ingesting at half the maximum, p99";

fn all_of(series: Series, query: &str) -> Vec<u8> {
    get(&format!("/api/metrics/{}/?metric_type=run{query}", series.run))
}

/// Times something that blocks.
fn timed<T>(rounds: usize, mut work: impl FnMut() -> Result<T>) -> Result<Samples> {
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

    /// A request and its limit in turns, each about `full` times.
    async fn beside<T>(
        &self,
        request: &[u8],
        full: usize,
        mut limit: impl FnMut() -> Result<T>,
    ) -> Result<(Samples, Samples)> {
        let rounds = self.rounds(full).div_ceil(TURNS as usize);
        let (mut reads, mut bare) = (Samples::default(), Samples::default());
        for _ in 0..TURNS {
            reads = reads.and(one_by_one(self.server.address(), &[request.to_vec()], rounds).await?);
            bare = bare.and(timed(rounds, &mut limit)?);
        }
        Ok((reads, bare))
    }

    /// All points of 10 series.
    pub(super) async fn read(&self) -> Result<Vec<Figure>> {
        let request = all_of(self.runs.short, "");
        let scan = Scan::open(self.database)?;
        // What the first request of all takes is the program's own code, which is read from disk as it is used.
        one_by_one(self.server.address(), &self.newest(), 1).await?;
        let before = self.server.reset_peak()?;
        let answer = self.server.connect().await?.body(&request).await?;
        if answer != scan.print(self.runs.short.run)? {
            return Err("what the server answers is not what the bare scan prints".into());
        }
        let (reads, bare) = self.beside(&request, 40, || scan.print(self.runs.short.run)).await?;
        let growth = self.server.peak()? - before;
        Ok(vec![
            Figure::new("read", "read of 100,000 points (10 series)", reads.percentile(50.0), "ms")
                .limit("bare scan that prints the same bytes", bare.percentile(50.0))
                .note("p99 ms", reads.percentile(99.0))
                .note("memory grows MiB", growth)
                .times_at_most(1.5)
                .note_below("memory grows MiB", 8.0),
        ])
    }

    /// The newest point of one series of many.
    pub(super) async fn last(&self) -> Result<Vec<Figure>> {
        let reads = one_by_one(self.server.address(), &self.newest(), self.rounds(40)).await?;
        Ok(vec![
            Figure::new("last", "last_n=1 of one of 100 series", reads.percentile(50.0), "ms")
                .note("p99 ms", reads.percentile(99.0))
                .note_below("p99 ms", 3.0),
        ])
    }

    /// A million points in a thousand buckets.
    pub(super) async fn minmax(&self) -> Result<Vec<Figure>> {
        let request = all_of(self.runs.long, "&downsample=minmax&points=1000");
        let scan = Scan::open(self.database)?;
        let (reads, bare) = self.beside(&request, 12, || scan.step(self.runs.long.run)).await?;
        Ok(vec![
            Figure::new("minmax", "1 M points into 1,000 minmax buckets", reads.percentile(50.0), "ms")
                .limit("stepping through the rows", bare.percentile(50.0))
                .note("p99 ms", reads.percentile(99.0))
                .times_at_most(2.0),
        ])
    }

    /// Ten thousand points of each series averaged into a hundred.
    pub(super) async fn summarize(&self) -> Result<Vec<Figure>> {
        let request = all_of(self.runs.short, "&summarize=100");
        let scan = Scan::open(self.database)?;
        let (reads, bare) = self.beside(&request, 40, || scan.step(self.runs.short.run)).await?;
        Ok(vec![
            Figure::new("summarize", "summarize=100 over 10 × 10,000 points", reads.percentile(50.0), "ms")
                .limit("stepping through the rows", bare.percentile(50.0))
                .note("p99 ms", reads.percentile(99.0))
                .times_at_most(2.0),
        ])
    }

    /// All runs.
    pub(crate) async fn list_of_runs(&self, many: u64) -> Result<Vec<Figure>> {
        let reads = one_by_one(self.server.address(), &[get("/api/runs/")], self.rounds(40)).await?;
        Ok(vec![
            Figure::new("runs", format!("list of {many} runs"), reads.percentile(50.0), "ms")
                .note("p99 ms", reads.percentile(99.0))
                .at_most(if many <= 1_000 { 3.0 } else { 30.0 }),
        ])
    }

    /// The same reads with nothing else to do, and while points come in at half the speed that is possible.
    pub(super) async fn mixed(&mut self) -> Result<Vec<Figure>> {
        if self.most_per_second.is_none() {
            self.single().await?;
        }
        let pace = self.most_per_second.unwrap_or(1_000.0) / 2.0;
        let whole = [all_of(self.runs.short, "")];
        let newest = self.newest();
        let healthz = [get("/healthz")];
        let read = async || {
            let health = one_by_one(self.server.address(), &healthz, self.rounds(2_000)).await?;
            let newest = one_by_one(self.server.address(), &newest, self.rounds(20)).await?;
            let whole = one_by_one(self.server.address(), &whole, self.rounds(100)).await?;
            Ok::<_, Box<dyn std::error::Error>>(([newest, whole], health))
        };
        let (idle, idle_health) = read().await?;
        // As long as both readings may take at the most.
        let posts = self.singles((pace * PATIENCE) as usize);
        let load = Paced::begin(self.server.address(), posts, WRITERS, pace);
        let busy = read().await;
        let reached = load.stop()?;
        let (busy, busy_health) = busy?;
        // What a request waits for a core, whatever it asks for.
        let waits = Figure::new("mixed", WAITS, busy_health.percentile(99.0), "ms")
            .limit("the same idle", idle_health.percentile(99.0));
        let whats = ["last_n=1", "read of 100,000 points"];
        let figures = whats.into_iter().zip(idle).zip(busy).map(|((what, idle), busy)| {
            let what = format!("{what} while ingesting at half the maximum, p99");
            Figure::new("mixed", what, busy.percentile(99.0), "ms")
                .limit("the same idle", idle.percentile(99.0))
                .note("p50 ms", busy.percentile(50.0))
                .note("posts/s", reached)
                .times_at_most(3.0)
        });
        Ok(figures.chain([waits]).collect())
    }

    fn newest(&self) -> Vec<Vec<u8>> {
        let wide = self.runs.wide;
        let one = |number| {
            let name = Series::name(number).replace(' ', "%20").replace('@', "%40");
            all_of(wide, &format!("&metric_filter={name}&last_n=1"))
        };
        (0..wide.count).map(one).collect()
    }
}
