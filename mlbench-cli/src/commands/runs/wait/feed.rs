//! What the server says about a run, as news.

use std::time::Duration;

use mlbench_client::{
    Change, Client, ComparisonQuery, Downsample, Error, EventData, MetricsQuery, NewPoints, Owner,
    PointField, Result, Run, RunId, Topic, ValuesQuery,
};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::progress::History;
use crate::commands::top::Target;

/// Points of the curve that are read: a line has few dots.
const POINTS: u32 = 200;
/// How often to look whether the connection has broken.
const WATCH: Duration = Duration::from_secs(1);

/// What the server has said.
#[derive(Debug)]
pub(super) enum News {
    /// The run as it is now.
    Run(Box<Run>),
    /// What was measured so far.
    History(Box<History>),
    /// What was measured since.
    Points(NewPoints),
    /// Whether the server is away.
    Away(bool),
    /// The server refuses to go on.
    Failed(Error),
}

/// A run to follow.
pub(super) struct Feed {
    pub(super) client: Client,
    pub(super) id: RunId,
    /// Whether the measurements are shown, too.
    pub(super) has_points: bool,
    pub(super) news: mpsc::Sender<News>,
}

impl Feed {
    /// Follows the run for as long as the news are received.
    pub(super) async fn follow(self) {
        if let Err(error) = self.follow_all().await {
            self.send(News::Failed(error)).await;
        }
    }

    async fn send(&self, news: News) {
        // The receiver is gone when the run is no longer awaited, which ends this task.
        let _ = self.news.send(news).await;
    }

    async fn follow_all(&self) -> Result<()> {
        // The list of runs also says which place in the queue a run has.
        let topics = [Some(Topic::Runs), self.has_points.then_some(Topic::Run(self.id))];
        let mut changes = self.client.changes(topics.into_iter().flatten());
        loop {
            let Ok(change) = timeout(WATCH, changes.next()).await else {
                self.send(News::Away(changes.is_away())).await;
                continue;
            };
            match change? {
                Change::Look => {
                    self.send_run().await?;
                    if self.has_points {
                        let history = self.history().await?;
                        self.send(News::History(Box::new(history))).await;
                    }
                    self.send(News::Away(false)).await;
                }
                Change::Event(event) => match event.data {
                    EventData::Runs(changed) => {
                        let now = changed.runs.into_iter().find(|run| run.id == self.id);
                        match now {
                            Some(now) => self.send(News::Run(Box::new(now))).await,
                            // Reading a deleted run returns the error.
                            None if changed.deleted.contains(&self.id) => self.send_run().await?,
                            None => {}
                        }
                    }
                    EventData::Points(points) => self.send(News::Points(points)).await,
                    _ => {}
                },
            }
        }
    }

    async fn send_run(&self) -> Result<()> {
        let run = self.client.with_retries(|| self.client.runs().get(self.id)).await?;
        self.send(News::Run(Box::new(run))).await;
        Ok(())
    }

    async fn history(&self) -> Result<History> {
        let (client, owner) = (&self.client, Owner::Run(self.id));
        let query =
            ValuesQuery { after: RunId::new(self.id.get() - 1), limit: Some(1), ..ValuesQuery::default() };
        let values = client.with_retries(|| client.runs().values(&query)).await?.runs;
        let values = values.into_iter().find(|values| values.run_id == self.id);
        let (loss, accuracy) = values.map_or((None, None), |values| (values.loss, values.accuracy));
        let name = |measured: Option<_>| {
            measured.map(|measured: mlbench_client::MeasuredValue| measured.name.to_string())
        };
        let (loss, accuracy) = (name(loss), name(accuracy));
        let names: Vec<String> = loss.iter().chain(&accuracy).cloned().collect();
        let target = self.target().await?;
        if names.is_empty() {
            return Ok(History { target, ..History::default() });
        }
        let fields = vec![PointField::Value, PointField::Step, PointField::Epoch];
        let query = MetricsQuery { metric_filter: names, last_n: Some(1), fields, ..MetricsQuery::default() };
        let newest = client.with_retries(|| client.metrics().records(&owner, &query)).await?;
        let newest = newest.into_iter().filter_map(|(name, points)| Some((name, points.into_iter().last()?)));
        let query = MetricsQuery {
            metric_filter: loss.into_iter().collect(),
            downsample: Some(Downsample::Lttb),
            points: Some(POINTS),
            ..MetricsQuery::default()
        };
        let points = match query.metric_filter.is_empty() {
            true => Default::default(),
            false => client.with_retries(|| client.metrics().get(&owner, &query)).await?,
        };
        Ok(History { newest: newest.collect(), points, target })
    }

    /// Reads what the run trains to. A run without a goal can be awaited, too.
    async fn target(&self) -> Result<Option<Target>> {
        let query = ComparisonQuery::of([self.id]);
        match self.client.with_retries(|| self.client.runs().compare(&query)).await {
            Ok(comparison) => Ok(Target::of(&comparison)),
            Err(error) if error.status().is_some() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
