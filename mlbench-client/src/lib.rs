//! Typed client of the mlbench REST API.
//!
//! One [`Client`] for a server, a sub-client per resource, one method per endpoint; every method returns the types
//! of [`mlbench_core`], which are exported here too.
//!
//! ```
//! use mlbench_client::{Client, RunRequest, RunName, RunState};
//!
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/responder.rs"));
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let url = responder()?;
//! let client = Client::builder().base_url(url).build()?;
//! let run = client.runs().start(&RunRequest::named(RunName::new("first try")?)).await?;
//! let run = client.runs().wait(run.id).await?;
//! assert_eq!(run.state, RunState::Finished);
//! # Ok(())
//! # }
//! ```
//!
//! A program that is measured records its metrics through a [`MetricLogger`], which never holds it up:
//!
//! ```
//! use mlbench_client::{Client, Owner, RunId};
//!
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/responder.rs"));
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let url = responder()?;
//! let client = Client::builder().base_url(url).build()?;
//! let logger = client.metric_logger(Owner::Run(RunId::new(1).ok_or("run ids start at 1")?));
//! for step in 1..=3 {
//!     logger.record("train_loss @ 0", 1.0 / f64::from(step), None, "")?;
//! }
//! logger.flush().await?; // whatever is not flushed is lost when the program ends
//! # Ok(())
//! # }
//! ```

mod client;
mod clock;
mod error;
mod health;
mod logger;
mod metrics;
mod pods;
mod retry;
mod runs;
mod transport;

#[cfg(test)]
mod contract;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use client::{Client, ClientBuilder, DEFAULT_URL};
pub use clock::now;
pub use error::{Error, Result};
pub use health::Health;
pub use logger::MetricLogger;
pub use metrics::{Arrivals, Metrics};
pub use pods::Pods;
pub use runs::Runs;

pub use mlbench_core::api::{
    BatchResult, Downsample, JobMetadata, LogLine, LogPage, LogsQuery, Metric, MetricsQuery, NewMetric, Pod,
    PointField, PointRecord, PointsByMetric, PointsByOwner, Problem, RejectedPoint, Run, RunRequest,
    RunsQuery, Series,
};
pub use mlbench_core::downsample::minmax::Bucket;
pub use mlbench_core::metric::MetricType;
pub use mlbench_core::run::OutputStream;
pub use mlbench_core::{
    ErrorCode, MetricName, MetricValue, Owner, PodName, PodPhase, Point, RunId, RunName, RunState, Timestamp,
};
