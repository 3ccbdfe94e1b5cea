use std::collections::BTreeMap;

use mlbench_core::Owner;
use mlbench_core::api::{
    BatchResult, CURSOR_HEADER, Downsample, Endpoint, Format, MAX_ARRAY_POINTS, Metric, MetricsQuery,
    NewMetric, PointField, PointRecord, PointsByMetric, PointsByOwner,
};
use mlbench_core::downsample::minmax::Bucket;
use serde::Serialize;
use tokio::io::AsyncWrite;
use uuid::Uuid;

use crate::transport::Call;
use crate::{Client, Result};

/// Metrics; see [`Client::metrics`].
///
/// The `format` of a query, its `fields` and whether it asks for buckets are of no effect: the method decides these.
#[derive(Debug, Clone, Copy)]
pub struct Metrics<'a> {
    pub(crate) client: &'a Client,
}

impl Metrics<'_> {
    /// The metrics of all worker pods in the cluster now, or of all runs: `query.metric_type` says which.
    ///
    /// # Errors
    /// When the server cannot be reached or fails.
    pub async fn all(self, query: &MetricsQuery) -> Result<PointsByOwner> {
        let query = MetricsQuery { format: None, fields: Vec::new(), ..query.clone() };
        self.client.transport().json(&Call::new(Endpoint::ListMetrics, &[]).query(query.to_pairs())).await
    }

    /// The metrics of a pod or a run, each ordered by date. `query.metric_type` is of no effect: the owner says it.
    ///
    /// ```
    /// # use mlbench_client::{Client, MetricsQuery, Owner, RunId};
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/responder.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let client = Client::builder().base_url(responder()?).build()?;
    /// # let run = RunId::new(1).ok_or("run ids start at 1")?;
    /// let query = MetricsQuery { metric_filter: vec!["accuracy".to_owned()], ..MetricsQuery::default() };
    /// let metrics = client.metrics().get(&Owner::Run(run), &query).await?;
    /// assert_eq!(metrics["accuracy"][0].value.as_f64(), Some(0.7845));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `not_found` when there is no such pod or run; when `query.downsample` asks for buckets, which
    /// [`buckets`](Self::buckets) gives.
    pub async fn get(self, owner: &Owner, query: &MetricsQuery) -> Result<PointsByMetric> {
        let query = MetricsQuery { fields: Vec::new(), ..query.clone() };
        self.client.transport().json(&of_owner(owner, &query, None)).await
    }

    /// The metrics of a pod or a run with everything that was sent with their points, or with `query.fields` of it.
    ///
    /// # Errors
    /// `not_found` when there is no such pod or run.
    pub async fn records(
        self,
        owner: &Owner,
        query: &MetricsQuery,
    ) -> Result<BTreeMap<String, Vec<PointRecord>>> {
        let fields = if query.fields.is_empty() { PointField::ALL.to_vec() } else { query.fields.clone() };
        let query = MetricsQuery { fields, ..query.clone() };
        self.client.transport().json(&of_owner(owner, &query, None)).await
    }

    /// At most `most` buckets of each metric of a pod or a run: no extreme is lost.
    ///
    /// # Errors
    /// `not_found` when there is no such pod or run.
    pub async fn buckets(
        self,
        owner: &Owner,
        query: &MetricsQuery,
        most: u32,
    ) -> Result<BTreeMap<String, Vec<Bucket>>> {
        let (downsample, points) = (Some(Downsample::MinMax), Some(most));
        let query = MetricsQuery { downsample, points, fields: Vec::new(), ..query.clone() };
        self.client.transport().json(&of_owner(owner, &query, None)).await
    }

    /// Follows the metrics of a pod or a run as they arrive, from `query.cursor` on or from the beginning.
    ///
    /// ```
    /// # use mlbench_client::{Client, MetricsQuery, Owner, RunId};
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/responder.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let client = Client::builder().base_url(responder()?).build()?;
    /// # let run = RunId::new(1).ok_or("run ids start at 1")?;
    /// let mut arrivals = client.metrics().follow(Owner::Run(run), MetricsQuery::default());
    /// let first = arrivals.next().await?; // all there is
    /// let second = arrivals.next().await?; // what has arrived since, whatever its date
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn follow(self, owner: Owner, query: MetricsQuery) -> Arrivals {
        Arrivals { client: self.client.clone(), owner, query: MetricsQuery { fields: Vec::new(), ..query } }
    }

    /// Writes the metrics of a pod or a run to `target` as a zip archive, while they come; gives back its length in bytes.
    ///
    /// # Errors
    /// `not_found` when there is no such pod or run; [`Write`](crate::Error::Write) when `target` does not take it. What
    /// was written before an error is no archive.
    pub async fn download(
        self,
        owner: &Owner,
        query: &MetricsQuery,
        target: &mut (impl AsyncWrite + Unpin),
    ) -> Result<u64> {
        self.client.transport().download(&of_owner(owner, query, Some(Format::Zip)), target).await
    }

    /// Stores a metric and gives back what is stored. Sent again, under one `Idempotency-Key`, while the server is away,
    /// overloaded or at fault, for as long as [`give_up_after`](crate::ClientBuilder::give_up_after) says: it is stored once.
    ///
    /// ```
    /// # use mlbench_client::{Client, NewMetric, Owner, RunId};
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/responder.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let client = Client::builder().base_url(responder()?).build()?;
    /// # let run = RunId::new(1).ok_or("run ids start at 1")?;
    /// let metric = NewMetric::new(Owner::Run(run), "accuracy", "0.7845")?;
    /// let stored = client.metrics().post(&metric).await?;
    /// assert_eq!(stored.value.as_str(), "0.7845");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `not_found` when there is no such pod or run; the last failure when time is up.
    pub async fn post(self, metric: &NewMetric) -> Result<Metric> {
        let call = create(metric)?;
        self.client.patiently(|| self.client.transport().json(&call)).await
    }

    /// Stores many metrics, of any owners: up to 100,000 in one transaction, more in as many as it takes. Sent again
    /// like [`post`](Self::post), under one `Idempotency-Key` for each transaction. Metrics that the server rejects
    /// lose no others; the answer lists the first 1,000 of them by their index in `metrics`.
    ///
    /// ```
    /// # use mlbench_client::{Client, NewMetric, Owner, RunId};
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/responder.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let client = Client::builder().base_url(responder()?).build()?;
    /// # let run = RunId::new(1).ok_or("run ids start at 1")?;
    /// let mut losses = Vec::new();
    /// for step in 1..=3 {
    ///     let mut metric = NewMetric::new(Owner::Run(run), "train_loss @ 0", 1.0 / f64::from(step))?;
    ///     metric.step = Some(step.into());
    ///     losses.push(metric);
    /// }
    /// let answer = client.metrics().post_batch(&losses).await?;
    /// assert_eq!((answer.accepted, answer.rejected_count), (3, 0));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The last failure when time is up. Of more than 100,000 metrics the first ones may be stored then.
    pub async fn post_batch(self, metrics: &[NewMetric]) -> Result<BatchResult> {
        let mut answer = BatchResult::default();
        for (part, metrics) in (0_u64..).zip(metrics.chunks(PART)) {
            let call = create_batch(metrics)?;
            let mut next: BatchResult = self.client.patiently(|| self.client.transport().json(&call)).await?;
            for rejected in &mut next.rejected {
                rejected.index += part * PART as u64;
            }
            answer.add(next);
        }
        Ok(answer)
    }
}

/// The most metrics of one request.
const PART: usize = MAX_ARRAY_POINTS;

/// The request that stores metrics, with a key of its own.
pub(crate) fn create_batch(metrics: &[impl Serialize]) -> Result<Call> {
    Ok(Call::new(Endpoint::CreateMetrics, &[]).json(&metrics)?.once(Uuid::new_v4().to_string()))
}

/// The metrics of a pod or a run as they arrive; see [`Metrics::follow`].
#[derive(Debug, Clone)]
pub struct Arrivals {
    client: Client,
    owner: Owner,
    query: MetricsQuery,
}

impl Arrivals {
    /// What has arrived since the last call; the first one gives everything before. Nothing is given twice, and after an
    /// error nothing is lost.
    ///
    /// # Errors
    /// `not_found` when there is no such pod or run, or no more.
    pub async fn next(&mut self) -> Result<PointsByMetric> {
        let call = of_owner(&self.owner, &self.query, None);
        let (points, cursor) = self.client.transport().json_and_header(&call, CURSOR_HEADER).await?;
        self.query.cursor = cursor.and_then(|text| text.parse().ok()).or(self.query.cursor);
        Ok(points)
    }

    /// From where the next call goes on; `None` before the first one.
    #[must_use]
    pub const fn cursor(&self) -> Option<u64> {
        self.query.cursor
    }
}

/// The request that stores a metric, with a key of its own.
fn create(metric: &NewMetric) -> Result<Call> {
    Ok(Call::new(Endpoint::CreateMetric, &[]).json(metric)?.once(Uuid::new_v4().to_string()))
}

fn of_owner(owner: &Owner, query: &MetricsQuery, format: Option<Format>) -> Call {
    let query = MetricsQuery { metric_type: owner.kind(), format, ..query.clone() };
    Call::new(Endpoint::GetMetrics, &[&owner.label()]).query(query.to_pairs())
}
