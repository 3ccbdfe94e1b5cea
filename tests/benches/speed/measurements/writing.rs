//! The speed of storing points.

use std::sync::Arc;
use std::time::Duration;

use super::bench::{Bench, TURNS};
use crate::bare::Bare;
use crate::client::{get, request};
use crate::error::Result;
use crate::load::{Requests, Samples, closed_loop};
use crate::report::Measurement;
use crate::server::JSON;

/// Connections of the load of many.
pub(super) const CONNECTIONS: usize = 64;
/// More requests per second than a server completes on one connection.
const ONE_CONNECTION_RATE: usize = 8_000;
/// More requests per second than a server completes on many connections.
pub(super) const MANY_CONNECTIONS_RATE: usize = 50_000;
/// More points per second than a server stores.
const POINTS_RATE: usize = 1_600_000;

/// Returns the rate at which the large database was filled.
pub(crate) fn import_rate(per_second: f64) -> Measurement {
    Measurement::new("batch", "import of NDJSON, a million points a request", per_second, "points/s")
        .at_least(800_000.0)
}

impl Bench<'_> {
    /// Reserves the next steps of the run that is written to, and returns the first one.
    fn reserve_steps(&self, count: usize) -> usize {
        self.step.replace(self.step.get() + count)
    }

    /// Returns requests that store one point each.
    pub(super) fn singles(&self, count: usize) -> Requests {
        let steps = count.div_ceil(self.runs.fresh.count);
        let bodies = self.runs.fresh.singles(self.reserve_steps(steps), steps);
        Arc::new(bodies.iter().map(|body| request("POST", "/api/metrics/", JSON, body)).collect())
    }

    /// Returns a number of requests that suffices for this time and rate.
    fn enough(time: Duration, per_second: usize) -> usize {
        (per_second as f64 * time.as_secs_f64() * 1.25).ceil() as usize
    }

    /// Returns the duration of one turn.
    fn turn(&self) -> Duration {
        self.options.time() / TURNS
    }

    /// Sends single posts, 64 at a time.
    pub(super) async fn single(&mut self) -> Result<Vec<Measurement>> {
        let (address, time) = (self.server.address(), self.turn());
        let many = Self::enough(time, MANY_CONNECTIONS_RATE);
        let health: Requests = Arc::new(vec![get("/healthz"); 2 * many]);
        let (mut limit, mut posts) = (Samples::default(), Samples::default());
        for _ in 0..TURNS {
            limit = limit.merge(closed_loop(address, &health, CONNECTIONS, time).await?);
            posts = posts.merge(closed_loop(address, &self.singles(many), CONNECTIONS, time).await?);
        }
        self.max_per_second = Some(posts.per_second());
        let what = format!("single POST, synced, {CONNECTIONS} connections");
        Ok(vec![
            Measurement::new("single", what, posts.per_second(), "/s")
                .limit("/healthz", limit.per_second())
                .note("p50 ms", posts.percentile(50.0))
                .note("p99 ms", posts.percentile(99.0))
                .at_least(15_000.0)
                .percent_at_least(40.0)
                .note_below("p99 ms", 15.0),
        ])
    }

    /// Sends single posts one after the other.
    pub(super) async fn synced(&self) -> Result<Vec<Measurement>> {
        let (time, mut bare) = (self.turn(), self.bare()?);
        let (mut connection, health) = (self.server.connect().await?, get("/healthz"));
        let (mut posts, mut alone, mut in_turns) = (Samples::default(), 0.0, 0.0);
        for _ in 0..TURNS {
            let requests = self.singles(Self::enough(time, ONE_CONNECTION_RATE));
            posts = posts.merge(closed_loop(self.server.address(), &requests, 1, time).await?);
            alone += bare.insert_rows(time, async || Ok(())).await? / f64::from(TURNS);
            // An estimate of what a server can reach: a request that does nothing, then a commit after that pause.
            let exchange = async || connection.send(&health, None).await.map(drop);
            in_turns += bare.insert_rows(time, exchange).await? / f64::from(TURNS);
        }
        Ok(vec![
            Measurement::new("synced", "single POST, synced, 1 connection", posts.per_second(), "/s")
                .limit("bare SQLite, a commit per row", alone)
                .note("with a /healthz after each commit of the limit", in_turns)
                .note("p99 ms", posts.percentile(99.0))
                .percent_at_least(60.0),
        ])
    }

    /// Sends arrays of points one after the other.
    pub(super) async fn batches(&self) -> Result<Vec<Measurement>> {
        Ok(vec![self.batch(1_000).await?, self.batch(10_000).await?])
    }

    async fn batch(&self, points: usize) -> Result<Measurement> {
        let (time, series, mut bare) = (self.turn(), self.runs.fresh, self.bare()?);
        let (steps, many) = (points / series.count, Self::enough(time, POINTS_RATE / points));
        let (mut limit, mut posts) = (0.0, Samples::default());
        for _ in 0..TURNS {
            let bodies: Vec<Vec<u8>> =
                (0..many).map(|_| series.array(self.reserve_steps(steps), steps)).collect();
            limit += bare.insert_arrays(&bodies, time)? / f64::from(TURNS);
            let post = |body: &Vec<u8>| request("POST", "/api/metrics/batch/", JSON, body);
            let requests = Arc::new(bodies.iter().map(post).collect());
            drop(bodies);
            posts = posts.merge(closed_loop(self.server.address(), &requests, 1, time).await?);
        }
        let per_second = posts.per_second() * points as f64;
        let measurement =
            Measurement::new("batch", format!("batches of {points} points, JSON"), per_second, "points/s")
                .limit("parsed and inserted as rows, no HTTP", limit)
                .note("p99 ms", posts.percentile(99.0))
                .percent_at_least(60.0);
        Ok(if points < 10_000 { measurement } else { measurement.at_least(1_000_000.0) })
    }

    fn bare(&self) -> Result<Bare> {
        Bare::create(&self.database.with_file_name("bare.db"))
    }
}
