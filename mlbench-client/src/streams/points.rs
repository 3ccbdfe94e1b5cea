//! The points of a run or a pod as they come.

use futures_util::stream::{self, Stream, StreamExt};
use mlbench_core::Owner;
use mlbench_core::api::{Event, EventData, MetricsQuery, PointsByMetric, Topic};

use crate::client::Client;
use crate::error::Result;
use crate::events::{Change, Changes};
use crate::follower::MetricsFollower;
use crate::metrics::Metrics;

impl Metrics<'_> {
    /// Returns the points of a pod or a run as they arrive, from the beginning or from `query.cursor` on.
    ///
    /// The stream goes on after a restart of the server, without a point twice, and retries as
    /// [`Client::with_retries`] does. It ends when the run has ended, and after an error.
    ///
    /// ```
    /// use futures_util::TryStreamExt;
    /// use mlbench_client::{MetricsQuery, Owner};
    ///
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// let mut points = std::pin::pin!(client.metrics().stream(Owner::Run(run), MetricsQuery::default()));
    /// while let Some(new) = points.try_next().await? {
    ///     println!("{} metrics have new points", new.len());
    /// }
    /// # }) }
    /// ```
    pub fn stream(
        self,
        owner: Owner,
        query: MetricsQuery,
    ) -> impl Stream<Item = Result<PointsByMetric>> + Send + use<> {
        let follower = self.follow(owner.clone(), query);
        points(owner, follower)
    }
}

/// Returns what a follower reads until the run has ended, but for nothing. Ends after an error.
fn points(owner: Owner, follower: MetricsFollower) -> impl Stream<Item = Result<PointsByMetric>> + Send {
    let client = follower.client().clone();
    let topic = match &owner {
        Owner::Run(id) => Topic::Run(*id),
        Owner::Pod(name) => Topic::Pod(name.clone()),
    };
    let changes = client.changes([topic]);
    let reader = Reader { client, owner, follower, changes, has_ended: false };
    stream::unfold(Some(reader), async |reader| {
        let mut reader = reader?;
        match reader.next().await {
            Ok(Some(points)) => Some((Ok(points), Some(reader))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
    .fuse()
}

struct Reader {
    client: Client,
    owner: Owner,
    follower: MetricsFollower,
    changes: Changes,
    has_ended: bool,
}

impl Reader {
    async fn next(&mut self) -> Result<Option<PointsByMetric>> {
        while !self.has_ended {
            match self.changes.next().await? {
                Change::Event(Event { data: EventData::Points(_), .. }) => {}
                // Read the state before the points: if the run had ended by then, these points are its last.
                Change::Event(Event { data: EventData::Runs(_), .. }) | Change::Look => {
                    if let Owner::Run(id) = self.owner {
                        let run = self.client.with_retries(|| self.client.runs().get(id)).await?;
                        self.has_ended = !run.is_active();
                    }
                }
                Change::Event(_) => continue,
            }
            let points = self.follower.next_with_retries().await?;
            if !points.is_empty() {
                return Ok(Some(points));
            }
        }
        Ok(None)
    }
}
