//! [`MetricsFollower`]: the metrics of a pod or a run, read again and again.

use mlbench_core::Owner;
use mlbench_core::api::{CURSOR_HEADER, MetricsQuery, PointsByMetric};

use crate::client::Client;
use crate::error::Result;
use crate::metrics::{Metrics, get};
use crate::request::Request;

impl Metrics<'_> {
    /// Returns a follower of the metrics of a pod or a run, from `query.cursor` on or from the beginning.
    ///
    /// ```
    /// use mlbench_client::{MetricsQuery, Owner};
    ///
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// let mut follower = client.metrics().follow(Owner::Run(run), MetricsQuery::default());
    /// let stored = follower.next().await?; // everything stored so far
    /// let new = follower.next().await?; // what has arrived since, whatever its date
    /// # }) }
    /// ```
    #[must_use]
    pub fn follow(self, owner: Owner, query: MetricsQuery) -> MetricsFollower {
        let query = MetricsQuery { fields: Vec::new(), ..query };
        MetricsFollower { client: self.client().clone(), owner, query }
    }
}

/// Reads the metrics of a pod or a run as they arrive. See [`Metrics::follow`].
#[derive(Debug, Clone)]
pub struct MetricsFollower {
    client: Client,
    owner: Owner,
    query: MetricsQuery,
}

impl MetricsFollower {
    /// Returns the points that have arrived since the last call. The first call returns all earlier points.
    ///
    /// No point is returned twice. After an error, the next call returns the points that this one missed.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::{MetricsQuery, Owner};
    ///
    /// let mut follower = client.metrics().follow(Owner::Run(run), MetricsQuery::default());
    /// assert_eq!(follower.next().await?["loss"].len(), 1);
    /// assert!(follower.next().await?.is_empty());
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// `not_found` when the pod or run does not exist or was deleted.
    pub async fn next(&mut self) -> Result<PointsByMetric> {
        let request = get(&self.owner, &self.query, None);
        let read = || self.client.transport().json_and_header(&request, CURSOR_HEADER);
        let (points, cursor) = self.client.read(&request, read).await?;
        self.advance(&request, cursor)?;
        Ok(points)
    }

    /// Moves to the cursor of a response. Without any, every response would have all points again.
    fn advance(&mut self, request: &Request, cursor: Option<String>) -> Result<()> {
        let cursor = cursor.and_then(|text| text.parse().ok()).or(self.query.cursor);
        self.client.check_advance(request, cursor.is_some())?;
        self.query.cursor = cursor;
        Ok(())
    }

    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    /// Returns the new points like [`next`](Self::next), and retries.
    pub(crate) async fn next_with_retries(&mut self) -> Result<PointsByMetric> {
        let request = get(&self.owner, &self.query, None);
        let read = || self.client.transport().json_and_header(&request, CURSOR_HEADER);
        let (points, cursor) = self.client.with_retries(read).await?;
        self.advance(&request, cursor)?;
        Ok(points)
    }

    /// Returns the cursor that the next call starts from, or `None` before the first call.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::{MetricsQuery, Owner};
    ///
    /// let mut follower = client.metrics().follow(Owner::Run(run), MetricsQuery::default());
    /// follower.next().await?;
    /// // A program that starts again can go on from here, with `cursor` in its query.
    /// println!("{:?}", follower.cursor());
    /// # }) }
    /// ```
    #[must_use]
    pub const fn cursor(&self) -> Option<u64> {
        self.query.cursor
    }
}
