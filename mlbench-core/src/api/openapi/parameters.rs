//! Query parameters of each endpoint.

use serde_json::{Value, json};

use super::field::Field;
use super::requests::LABEL;
use crate::api::{
    Endpoint, EventsQuery, LogsQuery, MetricsListQuery, MetricsQuery, PointField, RunSearch, ValuesQuery,
};
use crate::run::RunState;
use crate::storage::SortKey;

/// Returns the query parameters of an endpoint.
pub(super) fn query(endpoint: Endpoint) -> Vec<Field> {
    match endpoint {
        Endpoint::GetMetrics => metrics(),
        Endpoint::ListMetrics => metrics_list(),
        Endpoint::GetRun => {
            vec![Field::count(
                "logs",
                0,
                "Number of last lines per output stream, 0 to omit them. Absent for all lines.",
            )]
        }
        Endpoint::GetRunLogs => logs(),
        Endpoint::ListRuns => runs(),
        Endpoint::CompareRuns => comparison(),
        Endpoint::ListRunValues => values(),
        Endpoint::Events => events(),
        Endpoint::CreateMetric
        | Endpoint::CreateMetrics
        | Endpoint::Live
        | Endpoint::Ready
        | Endpoint::AppendRunLogs
        | Endpoint::CreateRun
        | Endpoint::UpdateRun
        | Endpoint::DeleteRun
        | Endpoint::StopRun
        | Endpoint::ExportRun
        | Endpoint::ImportRun
        | Endpoint::ListRunSeries
        | Endpoint::ListPodSeries
        | Endpoint::ListPods
        | Endpoint::GetSession
        | Endpoint::CreateSession
        | Endpoint::DeleteSession
        | Endpoint::Prometheus
        | Endpoint::GetOpenApi
        | Endpoint::GetDocs => Vec::new(),
    }
}

fn metrics() -> Vec<Field> {
    let names = json!({"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 512}});
    let word = PointField::ALL.map(PointField::as_str).join("|");
    let fields = json!({"type": "string", "pattern": format!("^({word})(,({word}))*$")});
    vec![
        Field::word(
            "metric_type",
            &["pod", "run"],
            "Whether the path, or the keys of the response, name pods (the default) or runs.",
        ),
        Field::date("since", "Only points at or after this date."),
        Field::date("until", "Only points at or before this date."),
        Field::new(
            "metric_filter",
            names.clone(),
            names,
            "Only metrics with exactly these names. May be repeated.",
        ),
        Field::new(
            "fields",
            fields.clone(),
            fields,
            "Fields of each point, each once, in this order. Defaults to `date,value`. Neither `downsample=minmax` nor, but for these two, `summarize` and `downsample` take it.",
        ),
        Field::whole(
            "cursor",
            0,
            i64::MAX,
            "Only points that arrived after the response with this `Mlbench-Cursor`. Excludes `summarize`, `downsample`, `last_n` and archives.",
        ),
        Field::count("summarize", 1, "Maximum number of points per metric, as means of consecutive points."),
        Field::word(
            "downsample",
            &["minmax", "lttb", "mean"],
            "How to reduce each metric to `points`: buckets with all extremes, the points that shape a chart, or means. Excludes `summarize` and `last_n`.",
        ),
        Field::whole(
            "points",
            1,
            MetricsQuery::MAX_POINTS.into(),
            "Maximum number of points or buckets per metric. Required with `downsample`, and only there.",
        ),
        Field::count("last_n", 1, "Only the newest points per metric."),
        Field::word(
            "format",
            &["json", "ndjson", "csv", "arrow", "parquet", "zip"],
            "Response format, which takes precedence over `Accept`.",
        ),
    ]
}

fn metrics_list() -> Vec<Field> {
    let text = "Only these runs: ids separated by commas, at most 1,000. Requires `metric_type=run`. Runs that do not exist are left out.";
    let mut all = metrics();
    all.push(Field::new("runs", run_ids(), run_ids(), text));
    all
}

/// Ids of runs, separated by commas.
fn run_ids() -> Value {
    let more = MetricsListQuery::MAX_RUNS - 1;
    json!({"type": "string", "pattern": format!("^[1-9][0-9]{{0,17}}(,[1-9][0-9]{{0,17}}){{0,{more}}}$")})
}

fn runs() -> Vec<Field> {
    let states = RunState::ALL.map(RunState::as_str).join("|");
    let states = json!({"type": "array", "items": {"type": "string", "pattern": format!("^(?:{states})$")}});
    let label = json!({"type": "array", "items": {"type": "string", "pattern": format!("^{LABEL}(=|$)")}});
    let keys = SortKey::ALL.map(SortKey::as_str).join("|");
    let sort = json!({"type": "string", "pattern": format!("^(-?({keys}))?$")});
    let cursor = json!({"type": "string", "pattern": format!("^(-?({keys}):[1-9][0-9]{{0,17}}:.*)?$")});
    vec![
        Field::new("state", states.clone(), states, "Only runs in this state. May be repeated."),
        Field::any_text(
            "name",
            "Only runs whose name contains this text in any letter case, or is this text if it is in double quotes.",
        ),
        Field::new(
            "tag",
            label.clone(),
            label.clone(),
            "Only runs with this tag: `NAME` or `NAME=VALUE`. May be repeated.",
        ),
        Field::new(
            "param",
            label.clone(),
            label,
            "Only runs with this parameter: `NAME` or `NAME=VALUE`. May be repeated.",
        ),
        Field::date("since", "Only runs that were accepted at or after this date.").or_empty(),
        Field::new(
            "sort",
            sort.clone(),
            sort,
            "Order of the runs, descending with `-` in front. Defaults to ascending ids.",
        ),
        Field::whole(
            "limit",
            1,
            RunSearch::MAX_LIMIT.into(),
            "Maximum number of runs. Defaults to 100 when the query has another parameter.",
        ),
        Field::new(
            "cursor",
            cursor.clone(),
            cursor,
            "The `Mlbench-Next-Cursor` of the page before, with the same `sort`.",
        ),
    ]
}

fn logs() -> Vec<Field> {
    vec![
        Field::word("stream", &["stdout", "stderr"], "Only lines of this stream."),
        Field::whole("rank", 0, u32::MAX.into(), "Only lines of this rank."),
        Field::count("after", 0, "Only lines with a higher sequence number."),
        Field::count(
            "before",
            0,
            "The last lines with a lower sequence number, instead of the first ones of all. Excludes `after`.",
        ),
        Field::whole("limit", 1, LogsQuery::MAX_LIMIT.into(), "Maximum number of lines. Defaults to 1,000."),
    ]
}

fn comparison() -> Vec<Field> {
    let id = json!({"type": "integer", "minimum": 1, "maximum": i64::MAX});
    let metric = json!({"type": "string", "minLength": 1, "maxLength": 512});
    vec![
        Field::new("runs", run_ids(), run_ids(), "Ids of the runs, separated by commas, at most 1,000.")
            .required(),
        Field::new(
            "metric",
            metric.clone(),
            metric,
            "The metric, with or without a rank. Defaults to the one that the programs of the runs train to.",
        ),
        Field::finite("goal", "The goal. Defaults to the one that the programs of the runs train to."),
        Field::word(
            "direction",
            &["at_least", "at_most"],
            "Which values reach the goal. Defaults to the direction that the metric has.",
        ),
        Field::new("baseline", id.clone(), id, "One of the runs, whose group all others are compared with.")
            .or_empty(),
    ]
}

fn values() -> Vec<Field> {
    let names = json!({
        "type": "array",
        "items": {"type": "string", "minLength": 1, "maxLength": 512},
        "maxItems": ValuesQuery::MAX_METRICS,
    });
    vec![
        Field::new(
            "metric",
            names.clone(),
            names,
            "Exact names of metrics, instead of the accuracy and the loss. May be repeated.",
        ),
        Field::count("after", 0, "Only runs with a higher id: the `next` of the last page."),
        Field::whole(
            "limit",
            1,
            ValuesQuery::MAX_RUNS.into(),
            "Number of runs that the page looks at. Defaults to 10,000.",
        ),
    ]
}

fn events() -> Vec<Field> {
    let topic = "(runs|pods|usage|run:[1-9][0-9]{0,17}|pod:[a-z0-9]([-.a-z0-9]*[a-z0-9])?)";
    let topics = json!({"type": "string", "pattern": format!("^{topic}(,{topic}){{0,{}}}$", EventsQuery::MAX_TOPICS - 1)});
    vec![
        Field::new("topics", topics.clone(), topics, "What the stream is about, separated by commas: `runs`, `pods`, `usage`, `run:ID` and `pod:NAME`.").required(),
        Field::count("cursor", 0, "The stream begins after this position, the `cursor` or the id of an earlier event. Defaults to now."),
    ]
}
