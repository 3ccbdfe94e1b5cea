//! How fast points are stored.

use std::sync::Arc;
use std::time::Duration;

use super::{Bench, TURNS};
use crate::Result;
use crate::bare::Bare;
use crate::client::{get, request};
use crate::load::{Requests, Samples, as_fast_as_answered};
use crate::report::Figure;
use crate::server::JSON;

const CONNECTIONS: usize = 64;
/// More requests of one connection than a server answers in a second, and more of many.
const FAST: usize = 8_000;
const FASTER: usize = 50_000;
/// More points than are stored in a second.
const POINTS: usize = 400_000;

/// How fast the large database came into being.
pub(crate) fn import_rate(per_second: f64) -> Figure {
    Figure::new("batch", "import of NDJSON, a million points a request", per_second, "points/s")
}

impl Bench<'_> {
    /// The next steps of the run that is written to.
    fn steps(&self, count: usize) -> usize {
        self.step.replace(self.step.get() + count)
    }

    /// So many requests that store one point each.
    pub(super) fn singles(&self, count: usize) -> Requests {
        let steps = count.div_ceil(self.runs.fresh.count);
        let bodies = self.runs.fresh.singles(self.steps(steps), steps);
        Arc::new(bodies.iter().map(|body| request("POST", "/api/metrics/", JSON, body)).collect())
    }

    /// How many requests to make for so long, at so many a second.
    fn enough(time: Duration, per_second: usize) -> usize {
        (per_second as f64 * time.as_secs_f64() * 1.25).ceil() as usize
    }

    /// How long each turn is.
    fn turn(&self) -> Duration {
        self.options.time() / TURNS
    }

    /// Single posts, 64 at a time.
    pub(super) async fn single(&mut self) -> Result<Vec<Figure>> {
        let (address, time) = (self.server.address(), self.turn());
        let many = Self::enough(time, FASTER);
        let health: Requests = Arc::new(vec![get("/healthz"); 2 * many]);
        let (mut limit, mut posts) = (Samples::default(), Samples::default());
        for _ in 0..TURNS {
            limit = limit.and(as_fast_as_answered(address, &health, CONNECTIONS, time).await?);
            posts = posts.and(as_fast_as_answered(address, &self.singles(many), CONNECTIONS, time).await?);
        }
        self.most_per_second = Some(posts.per_second());
        let what = format!("single POST, synced, {CONNECTIONS} connections");
        Ok(vec![
            Figure::new("single", what, posts.per_second(), "/s")
                .limit("/healthz", limit.per_second())
                .note("p50 ms", posts.percentile(50.0))
                .note("p99 ms", posts.percentile(99.0))
                .at_least(15_000.0)
                .percent_at_least(40.0)
                .note_below("p99 ms", 15.0),
        ])
    }

    /// Single posts, one after the other.
    pub(super) async fn synced(&self) -> Result<Vec<Figure>> {
        let (time, mut bare) = (self.turn(), self.bare()?);
        let (mut connection, health) = (self.server.connect().await?, get("/healthz"));
        let (mut posts, mut alone, mut in_turns) = (Samples::default(), 0.0, 0.0);
        for _ in 0..TURNS {
            let requests = self.singles(Self::enough(time, FAST));
            posts = posts.and(as_fast_as_answered(self.server.address(), &requests, 1, time).await?);
            alone += bare.rows_committed_one_by_one(time, async || Ok(())).await? / f64::from(TURNS);
            // About what a server can come to: an exchange that does nothing, and a sync after the pause that it makes.
            let exchange = async || connection.ask(&health, None).await.map(drop);
            in_turns += bare.rows_committed_one_by_one(time, exchange).await? / f64::from(TURNS);
        }
        Ok(vec![
            Figure::new("synced", "single POST, synced, 1 connection", posts.per_second(), "/s")
                .limit("bare SQLite, a commit per row", alone)
                .note("with a /healthz after each commit of the limit", in_turns)
                .note("p99 ms", posts.percentile(99.0))
                .percent_at_least(60.0),
        ])
    }

    /// Arrays of points, one after the other.
    pub(super) async fn batches(&self) -> Result<Vec<Figure>> {
        Ok(vec![self.batch(1_000).await?, self.batch(10_000).await?])
    }

    async fn batch(&self, points: usize) -> Result<Figure> {
        let (time, series, mut bare) = (self.turn(), self.runs.fresh, self.bare()?);
        let (steps, many) = (points / series.count, Self::enough(time, POINTS / points));
        let (mut limit, mut posts) = (0.0, Samples::default());
        for _ in 0..TURNS {
            let bodies: Vec<Vec<u8>> = (0..many).map(|_| series.array(self.steps(steps), steps)).collect();
            limit += bare.arrays_inserted(&bodies, time)? / f64::from(TURNS);
            let post = |body: &Vec<u8>| request("POST", "/api/metrics/batch/", JSON, body);
            let requests = Arc::new(bodies.iter().map(post).collect());
            drop(bodies);
            posts = posts.and(as_fast_as_answered(self.server.address(), &requests, 1, time).await?);
        }
        let per_second = posts.per_second() * points as f64;
        Ok(Figure::new("batch", format!("batches of {points} points, JSON"), per_second, "points/s")
            .limit("parsed and inserted, no HTTP", limit)
            .note("p99 ms", posts.percentile(99.0))
            .percent_at_least(60.0))
    }

    fn bare(&self) -> Result<Bare> {
        Bare::create(&self.database.with_file_name("bare.db"))
    }
}
