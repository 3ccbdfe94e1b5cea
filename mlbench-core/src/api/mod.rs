//! The HTTP API: request and response types, shared by the server and the client.
//!
//! Requests may be JSON, forms or query strings. [`Fields`] reads all three.

mod comparison_query;
mod endpoint;
mod events;
mod field_value;
mod fields;
mod headers;
mod json;
mod label_fields;
mod labels;
mod log;
mod metrics_list_query;
mod metrics_query;
mod nearest;
mod need_fields;
mod new_metric;
mod new_series;
#[cfg(test)]
mod openapi;
mod pod;
mod point_field;
mod points;
mod problem;
mod run;
mod run_ids;
mod run_patch;
mod run_request;
mod run_search;
mod run_token;
mod sent_lines;
mod session;
mod values_query;
#[cfg(test)]
mod wire;

pub use crate::batch::{BatchResult, RejectedPoint};
pub use crate::comparison::{
    AllReduce, AllReduceEstimate, Clock, ComparedRun, Comparison, EndValue, Estimate, Group, Interval,
    Parameters, PhaseSource, PhaseValues, Phases, Training,
};
pub use crate::goal::{Direction, Goal};
pub use crate::log::LogLine;
pub use crate::metric::{MeasuredValue, Metric, RunValues, RunValuesPage, Series};
pub use comparison_query::ComparisonQuery;
pub use endpoint::{Access, Endpoint, Listener, Method, Spec, encode_segment};
pub use events::{
    Event, EventData, EventPoint, EventsQuery, LAST_EVENT_ID_HEADER, NewLines, NewPoints, PodList, Resync,
    RunsChanged, StreamOpen, Topic,
};
pub use field_value::{FieldValue, MAX_FIELDS};
pub use fields::{Fields, Member};
pub use headers::{IDEMPOTENCY_KEY_HEADER, IDEMPOTENCY_REPLAYED_HEADER, VERSION_HEADER};
pub use json::without_bom;
pub use labels::{format_labels, parse_labels};
pub use log::{LogPage, LogsQuery};
pub use metrics_list_query::MetricsListQuery;
pub use metrics_query::{CURSOR_HEADER, Downsample, Format, MetricsQuery};
pub use nearest::nearest;
pub use new_metric::{NewMetric, PointsByMetric, PointsByOwner};
pub use new_series::NewSeries;
pub use pod::Pod;
pub use point_field::{PointField, PointRecord};
pub use points::{Half, Halves, MAX_ARRAY_POINTS, parse_batch, parse_point, parse_point_fast};
pub use problem::Problem;
pub use run::{JobMetadata, Run, RunsQuery};
pub use run_patch::RunPatch;
pub use run_request::RunRequest;
pub use run_search::{NEXT_CURSOR_HEADER, RunSearch};
pub use run_token::RunToken;
pub use sent_lines::{NewLogLine, NewLogLines};
pub use session::{Session, SignIn};
pub use values_query::ValuesQuery;
