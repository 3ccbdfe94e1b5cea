//! What sealing costs those who store points.

use std::sync::Arc;
use std::time::Duration;

use super::bench::{Bench, TURNS};
use super::writing::{CONNECTIONS, MANY_CONNECTIONS_RATE};
use crate::client::request;
use crate::data::Series;
use crate::databases::import;
use crate::error::Result;
use crate::load::{Requests, Samples, closed_loop};
use crate::report::Measurement;
use crate::server::JSON;

/// Series of a run: so many that a turn brings none of them the 4,096 points with which sealing begins.
const SERIES: usize = 20;
/// Points of each series before the turns in which sealing begins.
const BEFORE: usize = 4_000;
/// Shorter turns bring too few points, however quick the benchmark should be.
const TURN: Duration = Duration::from_secs(1);

impl Bench<'_> {
    /// Sends single posts to series that are sealed meanwhile, and in turns to others with too few points.
    pub(super) async fn sealing(&self) -> Result<Vec<Measurement>> {
        let sealed = self.series_of_a_run().await?;
        import(&self.server, sealed, 0, BEFORE).await?;
        let (mut first, steps) = (BEFORE, MANY_CONNECTIONS_RATE * 3 / 2 / SERIES);
        let (stored, waiting) = self.points().await?;
        let (mut with, mut without) = (Samples::default(), Samples::default());
        for _ in 0..TURNS {
            without = without.merge(self.posts(self.series_of_a_run().await?, 0, steps).await?);
            with = with.merge(self.posts(sealed, first, steps).await?);
            first += steps;
        }
        let (stored_now, waiting_now) = self.points().await?;
        let packed = (stored_now - stored) - (waiting_now - waiting);
        if packed < with.count() as f64 / 4.0 {
            return Err(format!("too few points were sealed to measure what that costs: {packed}").into());
        }
        let what = format!("single POST, {CONNECTIONS} connections, while the points are sealed");
        Ok(vec![
            Measurement::new("sealing", what, with.per_second(), "/s")
                .limit("the same, not sealed yet", without.per_second())
                .note("points posted", with.count() as f64)
                .note("points sealed", packed)
                .percent_at_least(90.0),
        ])
    }

    async fn series_of_a_run(&self) -> Result<Series> {
        Ok(Series { run: self.server.ended_run("true").await?, count: SERIES, names: &[] })
    }

    async fn posts(&self, series: Series, first: usize, steps: usize) -> Result<Samples> {
        let bodies = series.singles(first, steps);
        let post = |body: &Vec<u8>| request("POST", "/api/metrics/", JSON, body);
        let requests: Requests = Arc::new(bodies.iter().map(post).collect());
        closed_loop(self.server.address(), &requests, CONNECTIONS, TURN).await
    }

    /// Returns how many points are stored, and how many of them wait to be packed.
    async fn points(&self) -> Result<(f64, f64)> {
        Ok((self.server.gauge("mlbench_points").await?, self.server.gauge("mlbench_points_unpacked").await?))
    }
}
