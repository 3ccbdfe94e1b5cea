//! How fast points are stored.

use std::sync::Arc;

use super::Bench;
use crate::Result;
use crate::bare::Bare;
use crate::client::{get, request};
use crate::load::{Requests, as_fast_as_answered};
use crate::report::Figure;
use crate::server::JSON;

/// Different requests of a load; they are sent in turn.
const DIFFERENT: usize = 20_000;
const CONNECTIONS: usize = 64;

/// How fast the large database came into being.
pub(crate) fn import_rate(per_second: f64) -> Figure {
    Figure::new("batch", "import of NDJSON, a million points a request", per_second, "points/s")
}

impl Bench<'_> {
    /// Requests that store one point each.
    pub(super) fn singles(&self) -> Requests {
        let bodies = self.runs.fresh.singles(DIFFERENT);
        Arc::new(bodies.iter().map(|body| request("POST", "/api/metrics/", JSON, body)).collect())
    }

    /// Single posts, 64 at a time.
    pub(super) async fn single(&mut self) -> Result<Vec<Figure>> {
        let (address, time) = (self.server.address(), self.options.time());
        let health: Requests = Arc::new(vec![get("/healthz")]);
        let limit = as_fast_as_answered(address, &health, CONNECTIONS, time).await?;
        let posts = as_fast_as_answered(address, &self.singles(), CONNECTIONS, time).await?;
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
        let posts = as_fast_as_answered(self.server.address(), &self.singles(), 1, time).await?;
        let bare = self.bare()?.rows_committed_one_by_one(time)?;
        Ok(vec![
            Figure::new("synced", "single POST, synced, 1 connection", posts.per_second(), "/s")
                .limit("bare SQLite, a commit per row", bare)
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
        let bodies: Vec<Vec<u8>> = (0..20).map(|part| series.array(part * steps, steps)).collect();
        let limit = self.bare()?.arrays_inserted(&bodies, time)?;
        let requests = bodies.iter().map(|body| request("POST", "/api/metrics/batch/", JSON, body)).collect();
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
