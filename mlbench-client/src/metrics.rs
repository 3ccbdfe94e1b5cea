use std::collections::BTreeMap;

use bytes::Bytes;
use mlbench_core::api::{
    BatchResult, Downsample, Endpoint, Format, MAX_ARRAY_POINTS, Metric, MetricsListQuery, MetricsQuery,
    NewMetric, NewSeries, PointField, PointRecord, PointsByMetric, PointsByOwner,
};
use mlbench_core::downsample::minmax::Bucket;
use mlbench_core::metric::MetricType;
use mlbench_core::{Owner, RunId};
use serde::Serialize;
use tokio::io::AsyncWrite;
use uuid::Uuid;

use crate::client::Client;
use crate::error::Result;
use crate::request::{self, Request};

/// Bytes of texts in one request. Even if each of them needs an escape of six, the server accepts its body.
const CHUNK_BYTES: usize = 6 << 20;

/// Metrics of runs and pods. See [`Client::metrics`].
///
/// The methods set the `format`, `fields` and `downsample` of a query themselves where they depend on them.
#[derive(Debug, Clone, Copy)]
pub struct Metrics<'a> {
    client: &'a Client,
}

impl Client {
    /// Metrics of runs and pods: read, follow, download and post them.
    #[must_use]
    pub const fn metrics(&self) -> Metrics<'_> {
        Metrics { client: self }
    }
}

impl<'a> Metrics<'a> {
    pub(crate) const fn client(self) -> &'a Client {
        self.client
    }

    /// Returns the metrics of all worker pods in the cluster or of all runs, by `query.metric_type`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::{MetricType, MetricsQuery};
    ///
    /// let query = MetricsQuery { metric_type: MetricType::Run, last_n: Some(1), ..MetricsQuery::default() };
    /// for (owner, metrics) in client.metrics().all(&query).await? {
    ///     println!("{owner} has {} metrics", metrics.len());
    /// }
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// When the server cannot be reached or fails.
    pub async fn all(self, query: &MetricsQuery) -> Result<PointsByOwner> {
        let query = MetricsQuery { format: None, fields: Vec::new(), ..query.clone() };
        self.client.json(&Request::new(Endpoint::ListMetrics, &[]).query(query.to_pairs())).await
    }

    /// Returns the metrics of some runs, at most [`MetricsListQuery::MAX_RUNS`], in one response.
    ///
    /// Runs that do not exist are left out.
    ///
    /// ```
    /// use mlbench_client::MetricsQuery;
    ///
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// let query = MetricsQuery { metric_filter: vec!["accuracy".to_owned()], ..MetricsQuery::default() };
    /// for (run, metrics) in client.metrics().of_runs(&[run], &query).await? {
    ///     println!("run {run} has {} metrics", metrics.len());
    /// }
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// `invalid_field` when there are no runs or too many.
    pub async fn of_runs(self, runs: &[RunId], query: &MetricsQuery) -> Result<PointsByOwner> {
        let metric_type = MetricType::Run;
        let points = MetricsQuery { metric_type, format: None, fields: Vec::new(), ..query.clone() };
        let mut pairs = MetricsListQuery { runs: runs.to_vec(), points }.to_pairs();
        // No runs are not all runs: the server refuses them.
        if runs.is_empty() {
            pairs.push(("runs", String::new()));
        }
        self.client.json(&Request::new(Endpoint::ListMetrics, &[]).query(pairs)).await
    }

    /// Returns the metrics of a pod or a run, each ordered by date. The owner overrides `query.metric_type`.
    ///
    /// ```
    /// use mlbench_client::{MetricsQuery, Owner};
    ///
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// let query = MetricsQuery { metric_filter: vec!["accuracy".to_owned()], ..MetricsQuery::default() };
    /// let metrics = client.metrics().get(&Owner::Run(run), &query).await?;
    /// println!("{:?}", metrics["accuracy"][0].value.as_f64());
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// `not_found` when the pod or run does not exist. A query that asks for buckets fails: use
    /// [`buckets`](Self::buckets).
    pub async fn get(self, owner: &Owner, query: &MetricsQuery) -> Result<PointsByMetric> {
        let query = MetricsQuery { fields: Vec::new(), ..query.clone() };
        self.client.json(&get(owner, &query, None)).await
    }

    /// Returns the metrics of a pod or a run with all fields of their points, or with `query.fields`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::{MetricsQuery, Owner};
    ///
    /// let records = client.metrics().records(&Owner::Run(run), &MetricsQuery::default()).await?;
    /// assert_eq!(records["loss"][0].step, Some(1));
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// `not_found` when the pod or run does not exist.
    pub async fn records(
        self,
        owner: &Owner,
        query: &MetricsQuery,
    ) -> Result<BTreeMap<String, Vec<PointRecord>>> {
        let fields = if query.fields.is_empty() { PointField::ALL.to_vec() } else { query.fields.clone() };
        let query = MetricsQuery { fields, ..query.clone() };
        self.client.json(&get(owner, &query, None)).await
    }

    /// Returns at most `max_buckets` buckets of each metric of a pod or a run, which keep every extreme.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::{MetricsQuery, Owner};
    ///
    /// let buckets = client.metrics().buckets(&Owner::Run(run), &MetricsQuery::default(), 500).await?;
    /// for (name, buckets) in &buckets {
    ///     println!("{name} fits in {} buckets", buckets.len());
    /// }
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// `not_found` when the pod or run does not exist.
    pub async fn buckets(
        self,
        owner: &Owner,
        query: &MetricsQuery,
        max_buckets: u32,
    ) -> Result<BTreeMap<String, Vec<Bucket>>> {
        let (downsample, points) = (Some(Downsample::MinMax), Some(max_buckets));
        let query = MetricsQuery { downsample, points, fields: Vec::new(), ..query.clone() };
        self.client.json(&get(owner, &query, None)).await
    }

    /// Writes the metrics of a pod or a run to `target` as a zip archive and returns its length in bytes.
    ///
    /// The archive is streamed. After an error, `target` holds an incomplete archive.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::{MetricsQuery, Owner};
    ///
    /// let mut archive = Vec::new(); // or a tokio::fs::File
    /// let length = client.metrics().download(&Owner::Run(run), &MetricsQuery::default(), &mut archive).await?;
    /// assert_eq!(archive.len() as u64, length);
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// `not_found` when the pod or run does not exist, [`Write`](crate::Error::Write) when writing to
    /// `target` fails.
    pub async fn download(
        self,
        owner: &Owner,
        query: &MetricsQuery,
        target: &mut (impl AsyncWrite + Unpin),
    ) -> Result<u64> {
        self.client.transport().download(&get(owner, query, Some(Format::Zip)), target).await
    }

    /// Writes the points of a pod or a run to `target` in a `format` and returns its length in bytes.
    ///
    /// Without an `owner`, they are those of all worker pods in the cluster or of all runs, by `query.metric_type`.
    /// The points are streamed. After an error, `target` holds some of them.
    ///
    /// ```
    /// use mlbench_client::{Format, MetricsQuery, Owner};
    ///
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// let (query, mut file) = (MetricsQuery::default(), Vec::new()); // or a tokio::fs::File
    /// client.metrics().write(Some(&Owner::Run(run)), &query, Format::Parquet, &mut file).await?;
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// `not_found` when the pod or run does not exist, [`Write`](crate::Error::Write) when writing to
    /// `target` fails.
    pub async fn write(
        self,
        owner: Option<&Owner>,
        query: &MetricsQuery,
        format: Format,
        target: &mut (impl AsyncWrite + Unpin),
    ) -> Result<u64> {
        let request = match owner {
            Some(owner) => get(owner, query, Some(format)),
            None => {
                let query = MetricsQuery { format: Some(format), ..query.clone() };
                Request::new(Endpoint::ListMetrics, &[]).query(query.to_pairs())
            }
        };
        self.client.transport().download(&request, target).await
    }

    /// Stores a metric and returns it as stored.
    ///
    /// Retries under one `Idempotency-Key`, so that the metric is stored once, while the server is
    /// unreachable, overloaded or failing, up to the [`retry_timeout`](crate::ClientBuilder::retry_timeout).
    ///
    /// ```
    /// use mlbench_client::{NewMetric, Owner};
    ///
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// let stored = client.metrics().post(&NewMetric::new(Owner::Run(run), "accuracy", "0.7845")?).await?;
    /// assert_eq!(stored.value.as_str(), "0.7845");
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// `not_found` when the pod or run does not exist, or the last error when the retry timeout ends.
    pub async fn post(self, metric: &NewMetric) -> Result<Metric> {
        let request = Request::new(Endpoint::CreateMetric, &[]).json(metric)?;
        self.client.with_retries(|| self.client.transport().json(&request)).await
    }

    /// Stores metrics of any owners, up to 100,000 or 6 MiB of texts per transaction.
    ///
    /// Each transaction is one request, retried under its own `Idempotency-Key` like [`post`](Self::post).
    /// The server stores the valid metrics even if it rejects others. The result lists the first 1,000
    /// rejections, each with its index in `metrics`.
    ///
    /// ```
    /// use mlbench_client::{NewMetric, Owner};
    ///
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// let mut losses = Vec::new();
    /// for step in 1..=3 {
    ///     let mut metric = NewMetric::new(Owner::Run(run), "train_loss @ 0", 1.0 / f64::from(step))?;
    ///     metric.step = Some(step.into());
    ///     losses.push(metric);
    /// }
    /// let result = client.metrics().post_batch(&losses).await?;
    /// assert_eq!(result.rejected_count, 0);
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// The last error when the retry timeout ends. The transactions before the failed one are stored.
    pub async fn post_batch(self, metrics: &[NewMetric]) -> Result<BatchResult> {
        let mut total = BatchResult::default();
        let mut rest = metrics;
        while !rest.is_empty() {
            let begin = (metrics.len() - rest.len()) as u64;
            let (chunk, after) = rest.split_at(chunk_length(rest));
            rest = after;
            let request = Request::new(Endpoint::CreateMetrics, &[]).json(&chunk)?;
            let mut result: BatchResult =
                self.client.with_retries(|| self.client.transport().json(&request)).await?;
            for rejected in &mut result.rejected {
                rejected.index = rejected.index.saturating_add(begin);
            }
            total.add(result);
        }
        Ok(total)
    }

    /// Stores series in columns in one transaction, under an `Idempotency-Key` that the caller chooses.
    ///
    /// So even another process can repeat the request, and nothing is stored twice: a program that reads a file
    /// makes the key from the position. The series have up to 100,000 points together, and the key has 1 to 64 visible
    /// ASCII characters. Retries like [`post`](Self::post). Each rejection has the `index` of its series.
    ///
    /// ```
    /// use mlbench_client::{NewMetric, NewSeries, Owner};
    ///
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// let losses = [NewMetric::new(Owner::Run(run), "loss", 0.5)?, NewMetric::new(Owner::Run(run), "loss", 0.25)?];
    /// let series: Vec<NewSeries<'_>> = NewSeries::new(&losses.iter().collect::<Vec<_>>()).into_iter().collect();
    /// let result = client.metrics().post_series(&series, "losses.csv-0").await?;
    /// assert_eq!(result.accepted, 2);
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// `idempotency_key_reused` when other series were stored under the key, or the last error when the retry timeout
    /// ends.
    pub async fn post_series(self, series: &[NewSeries<'_>], key: &str) -> Result<BatchResult> {
        let request = Request::new(Endpoint::CreateMetrics, &[]).json(&series)?.key(key.to_owned());
        self.client.with_retries(|| self.client.transport().json(&request)).await
    }
}

/// Encodes points, or series in columns, as the body of a batch.
pub(crate) fn encode_batch(elements: &[impl Serialize]) -> Result<Bytes> {
    request::to_json(&elements)
}

/// Sends an encoded batch once, under a key.
pub(crate) async fn send_batch(client: &Client, key: Uuid, body: Bytes) -> Result<BatchResult> {
    let request = Request::new(Endpoint::CreateMetrics, &[]).encoded(body).key(key.to_string());
    client.transport().json(&request).await
}

/// Returns how many of the first metrics share a request, at least one.
fn chunk_length(metrics: &[NewMetric]) -> usize {
    let mut bytes = 0;
    let fits = metrics.iter().take(MAX_ARRAY_POINTS).take_while(|metric| {
        bytes += metric.name.as_str().len() + metric.value.as_str().len() + metric.metadata.len();
        bytes <= CHUNK_BYTES
    });
    fits.count().max(1)
}

pub(crate) fn get(owner: &Owner, query: &MetricsQuery, format: Option<Format>) -> Request {
    let query = MetricsQuery { metric_type: owner.kind(), format, ..query.clone() };
    Request::new(Endpoint::GetMetrics, &[&owner.label()]).query(query.to_pairs())
}
