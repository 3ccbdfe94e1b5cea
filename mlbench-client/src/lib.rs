#![doc = include_str!("../README.md")]

#[cfg(feature = "blocking")]
pub mod blocking;
mod carry;
mod client;
mod clock;
mod description;
mod error;
mod events;
mod follower;
mod health;
mod logger;
mod metrics;
mod pods;
mod request;
mod retry;
mod runs;
mod session;
mod streams;
#[cfg(feature = "rustls")]
mod tls;
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
pub use follower::MetricsFollower;
pub use health::Health;
pub use logger::{Entry, LoggerStats, MetricLogger, MetricLoggerBuilder};
pub use metrics::Metrics;
pub use pods::Pods;
pub use retry::RetryPolicy;
pub use runs::{RunPage, Runs};
pub use session::BrowserSession;

pub use mlbench_core::api::{
    AllReduce, AllReduceEstimate, BatchResult, Clock, ComparedRun, Comparison, ComparisonQuery, Direction,
    Downsample, EndValue, Estimate, Event, EventData, EventPoint, EventsQuery, Format, Goal, Group, Interval,
    JobMetadata, LogLine, LogPage, LogsQuery, MeasuredValue, Metric, MetricsListQuery, MetricsQuery,
    NewLines, NewLogLine, NewLogLines, NewMetric, NewPoints, NewSeries, Parameters, PhaseSource, PhaseValues,
    Phases, Pod, PodList, PointField, PointRecord, PointsByMetric, PointsByOwner, Problem, RejectedPoint,
    Resync, Run, RunPatch, RunRequest, RunSearch, RunToken, RunValues, RunValuesPage, RunsChanged, RunsQuery,
    Series, Session, StreamOpen, Topic, Training, ValuesQuery,
};
pub use mlbench_core::downsample::minmax::Bucket;
pub use mlbench_core::metric::MetricType;
pub use mlbench_core::needs::{
    ByteSize, EmptyDir, NodeSelector, ObjectName, RunNeeds, SecretEnvironment, SecretKey, TaintEffect,
    TimeLimit, Toleration, Volume, VolumeSource, WorkingDir,
};
pub use mlbench_core::origin::ImportedFrom;
pub use mlbench_core::run::OutputStream;
pub use mlbench_core::storage::{LabelFilter, RunOrder, SortKey};
pub use mlbench_core::{
    Environment, ErrorCode, MetricName, MetricValue, Owner, ParamValue, Params, PodName, PodPhase, Point,
    RunId, RunName, RunState, Tags, Timestamp,
};
