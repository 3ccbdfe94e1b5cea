//! How fast points are stored.

use std::sync::Arc;

use super::Bench;
use crate::Result;
use crate::bare::Bare;
use crate::client::{get, request};
use crate::load::{Requests, as_fast_as_answered};
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

    /// How many requests to make for a load of [`Options::time`](crate::Options::time), at so many a second.
    fn enough(&self, per_second: usize) -> usize {
        per_second * (self.options.time().as_secs_f64() * 1.25).ceil() as usize
    }

    /// Single posts, 64 at a time.
    pub(super) async fn single(&mut self) -> Result<Vec<Figure>> {
        let (address, time) = (self.server.address(), self.options.time());
        let many = self.enough(FASTER);
        let health: Requests = Arc::new(vec![get("/healthz"); 2 * many]);
        let limit = as_fast_as_answered(address, &health, CONNECTIONS, time).await?;
        let posts = as_fast_as_answered(address, &self.singles(many), CONNECTIONS, time).await?;
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
        let time = self.options.time();
        let posts = self.singles(self.enough(FAST));
        let posts = as_fast_as_answered(self.server.address(), &posts, 1, time).await?;
        let mut bare = self.bare()?;
        let alone = bare.rows_committed_one_by_one(time, async || Ok(())).await?;
        // What no server could do better: an exchange that does nothing, and a sync after the pause that it makes.
        let (mut connection, health) = (self.server.connect().await?, get("/healthz"));
        let exchange = async || connection.ask(&health, None).await.map(drop);
        let in_turns = bare.rows_committed_one_by_one(time, exchange).await?;
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
        let time = self.options.time();
        let series = self.runs.fresh;
        let steps = points / series.count;
        let bodies: Vec<Vec<u8>> =
            (0..self.enough(POINTS / points)).map(|_| series.array(self.steps(steps), steps)).collect();
        let limit = self.bare()?.arrays_inserted(&bodies, time)?;
        let requests = bodies.iter().map(|body| request("POST", "/api/metrics/batch/", JSON, body)).collect();
        drop(bodies);
        let posts = as_fast_as_answered(self.server.address(), &Arc::new(requests), 1, time).await?;
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
