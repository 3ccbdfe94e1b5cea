//! Logging: metrics, parameters, batches.

use std::collections::BTreeMap;

use mlbench_core::labels::Params;
use mlbench_core::metric::Metric;
use mlbench_core::storage::{
    Batch, BatchKey, BatchSeries, Fingerprint, IdempotencyKey, KeyedRequest, PointDetails, PointRef,
    SeriesName, ValueRef,
};
use mlbench_core::{Error, MetricName, MetricValue, Owner, Result, RunId, Timestamp};
use serde_json::{Value, json};

use super::args::Args;
use super::names;
use super::refusal::Refusal;
use super::runs::{label, tags_of};
use crate::app::access::Grant;
use crate::app::context::App;

/// Who sends a request, and what.
#[derive(Debug, Clone, Copy)]
pub struct Sender {
    /// What the request may do.
    pub grant: Grant,
    /// The hash of its body.
    ///
    /// Clients repeat a request whose response was lost, and MLflow stores equal points once. So the body is the key.
    pub fingerprint: Fingerprint,
}

impl Sender {
    fn key(self, owner: &Owner) -> Result<KeyedRequest> {
        let hash = u128::from_be_bytes(self.fingerprint.0);
        let key = IdempotencyKey::new(&format!("mlflow-{hash:032x}"))?;
        Ok(KeyedRequest { holder: self.grant.key_holder(Some(owner)), key, fingerprint: self.fingerprint })
    }
}

/// Stores one metric.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound), or naming the argument.
pub async fn log_metric(app: &App, sender: Sender, args: Args<'_>) -> Result<Value, Refusal> {
    let owner = Owner::Run(args.run_id()?);
    let Logged { name, value, date, step } = Logged::read(args)?;
    let key = Some(sender.key(&owner)?);
    let metric = Metric {
        owner,
        name,
        date,
        value: MetricValue::from(value),
        cumulative: false,
        metadata: String::new(),
        step: Some(step),
        epoch: None,
    };
    app.storage.record_metric(metric, key, app.clock.now()).await?;
    Ok(json!({}))
}

/// Adds a parameter to a run.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound),
/// [`ParamConflict`](mlbench_core::ErrorCode::ParamConflict) for one that has another value.
pub async fn log_param(app: &App, args: Args<'_>) -> Result<Value, Refusal> {
    let id = args.run_id()?;
    label(app, id, params([args])?, BTreeMap::new()).await?;
    Ok(json!({}))
}

/// Stores parameters and tags in one transaction, then metrics in another one.
///
/// # Errors
/// Those of [`log_metric`] and [`log_param`].
pub async fn log_batch(app: &App, sender: Sender, args: Args<'_>) -> Result<Value, Refusal> {
    let id = args.run_id()?;
    let points = args.objects("metrics")?.into_iter().map(Logged::read).collect::<Result<Vec<_>>>()?;
    let (params, tags) = (params(args.objects("params")?)?, tags_of(args)?);
    if !params.is_empty() || !tags.is_empty() || points.is_empty() {
        label(app, id, params, tags).await?;
    }
    if points.is_empty() {
        return Ok(json!({}));
    }
    let request = sender.key(&Owner::Run(id))?;
    let batch = Batch { key: Some(BatchKey { request, chunk: 0 }), ..batch(id, points) };
    let outcome = app.storage.record_batch(batch, app.clock.now()).await?;
    match outcome.result.rejected.into_iter().next() {
        Some(rejected) => Err(Error::new(rejected.code, rejected.message).into()),
        None => Ok(json!({})),
    }
}

/// A point of a metric.
struct Logged {
    name: MetricName,
    value: f64,
    date: Timestamp,
    step: i64,
}

impl Logged {
    /// Reads a point. Without its date, equal requests could not be distinguished from one that is repeated.
    fn read(args: Args<'_>) -> Result<Self> {
        let missing = || Error::invalid("timestamp", "missing; give the milliseconds since 1970");
        let millis = args.whole("timestamp")?.ok_or_else(missing)?;
        Ok(Self {
            name: names::metric("key", args.required("key")?)?,
            value: args.number("value")?,
            date: names::time("timestamp", millis)?,
            step: args.whole("step")?.unwrap_or(0),
        })
    }

    fn point(&self) -> PointRef<'_> {
        let value = match self.value {
            value if value.is_nan() => ValueRef::Text("NaN"),
            f64::INFINITY => ValueRef::Text("Infinity"),
            f64::NEG_INFINITY => ValueRef::Text("-Infinity"),
            finite => ValueRef::of_number(finite),
        };
        let details = PointDetails { cumulative: false, metadata: "", step: Some(self.step), epoch: None };
        PointRef { date: self.date, value, details: Some(details) }
    }
}

/// Returns the points of a run as one series for each metric.
fn batch(id: RunId, points: Vec<Logged>) -> Batch {
    let mut by_name: BTreeMap<MetricName, Vec<Logged>> = BTreeMap::new();
    for point in points {
        by_name.entry(point.name.clone()).or_default().push(point);
    }
    let series = (0..).zip(by_name).map(|(index, (name, points))| BatchSeries {
        index,
        series: Ok(SeriesName { owner: Owner::Run(id), name }),
        points: points.iter().map(Logged::point).collect(),
        rejected: Vec::new(),
    });
    Batch { series: series.collect(), ..Batch::default() }
}

fn params<'a>(all: impl IntoIterator<Item = Args<'a>>) -> Result<Params> {
    let read = |args: Args<'_>| {
        let text = args.text("value")?.unwrap_or_default();
        Ok((args.required("key")?.to_owned(), names::param(text)))
    };
    Params::new(all.into_iter().map(read).collect::<Result<Vec<_>>>()?)
}
