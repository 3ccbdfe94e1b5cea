//! Typed client of the mlbench REST API.
//!
//! One [`Client`] per server, one sub-client per resource, one method per endpoint. The methods take and
//! return the types of [`mlbench_core`], which this crate re-exports.
//!
//! ```no_run
//! use mlbench_client::{Client, RunRequest, RunName, RunState};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::from_env()?;
//! let run = client.runs().start(&RunRequest::named(RunName::new("first try")?)).await?;
//! let run = client.runs().wait(run.id).await?;
//! assert_eq!(run.state, RunState::Finished);
//! # Ok(())
//! # }
//! ```
//!
//! A benchmark records its metrics through a [`MetricLogger`], which never slows it down and never fails:
//!
//! ```no_run
//! use mlbench_client::{Client, Owner, RunId};
//!
//! # async fn example(run: RunId) -> mlbench_client::Result<()> {
//! let logger = Client::from_env()?.metric_logger(Owner::Run(run));
//! for step in 1..=3 {
//!     logger.log("train_loss @ 0", 1.0 / step as f64).step(step);
//! }
//! logger.flush().await?; // metrics that are not flushed are lost when the program ends
//! # Ok(())
//! # }
//! ```

mod client;
mod clock;
mod description;
mod error;
mod events;
mod health;
mod logger;
mod metrics;
mod pods;
mod retry;
mod runs;
mod session;
mod transport;

#[cfg(test)]
mod contract;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use client::{Client, ClientBuilder, DEFAULT_URL};
pub use clock::now;
pub use description::Description;
pub use error::{Error, Result};
pub use events::{Change, Changes, EventStream, Events};
pub use health::Health;
pub use logger::{Entry, MetricLogger};
pub use metrics::{Metrics, MetricsFollower};
pub use pods::Pods;
pub use runs::{RunPage, Runs};
pub use session::BrowserSession;

pub use mlbench_core::api::{
    AllReduce, AllReduceEstimate, BatchResult, Clock, ComparedRun, Comparison, ComparisonQuery, Direction,
    Downsample, EndValue, Estimate, Event, EventData, EventPoint, EventsQuery, Format, Group, Interval,
    JobMetadata, LogLine, LogPage, LogsQuery, MeasuredValue, Metric, MetricsQuery, NewLines, NewLogLine,
    NewLogLines, NewMetric, NewPoints, NewSeries, Parameters, PhaseSource, PhaseValues, Phases, Pod, PodList,
    PointField, PointRecord, PointsByMetric, PointsByOwner, Problem, RejectedPoint, Resync, Run, RunPatch,
    RunRequest, RunSearch, RunValues, RunValuesPage, RunsChanged, RunsQuery, Series, Session, StreamOpen,
    Topic, Training, ValuesQuery,
};
pub use mlbench_core::downsample::minmax::Bucket;
pub use mlbench_core::metric::MetricType;
pub use mlbench_core::run::OutputStream;
pub use mlbench_core::storage::{LabelFilter, RunOrder, SortKey};
pub use mlbench_core::{
    Environment, ErrorCode, MetricName, MetricValue, Owner, ParamValue, Params, PodName, PodPhase, Point,
    RunId, RunName, RunState, Tags, Timestamp,
};
