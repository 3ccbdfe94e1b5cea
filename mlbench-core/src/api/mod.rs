//! The wire: every type that crosses it, its paths, and how requests are read.
//!
//! Server and client use these same types, so each of them lives here once and derives both ways. Requests may come
//! as JSON, as a form or as a query string; [`Fields`] makes one thing of them.

mod batch;
mod endpoint;
mod fields;
mod headers;
mod json;
mod labels;
mod log;
mod metric;
mod metrics_query;
mod point_field;
mod points;
mod problem;
mod run;
mod run_request;
mod series;

pub use batch::{BatchResult, MAX_ARRAY_POINTS, RejectedPoint};
pub use endpoint::{Access, Endpoint, Listener, Method, Spec, encode_segment};
pub use fields::{FieldValue, Fields, nearest};
pub use headers::{IDEMPOTENCY_KEY_HEADER, IDEMPOTENCY_REPLAYED_HEADER};
pub use labels::{format_labels, parse_labels};
pub use log::{LogLine, LogPage, LogsQuery};
pub use metric::{Metric, NewMetric, Pod, PointsByMetric, PointsByOwner};
pub use metrics_query::{CURSOR_HEADER, Downsample, Format, MetricsQuery};
pub use point_field::{PointField, PointRecord};
pub use points::{parse_point, parse_point_fast, parse_points};
pub use problem::Problem;
pub use run::{JobMetadata, Run, RunsQuery};
pub use run_request::RunRequest;
pub use series::Series;
