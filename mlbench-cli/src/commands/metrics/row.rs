//! [`Row`]: a point with what it belongs to, as lists show it.

use mlbench_client::{MetricValue, Point, PointsByMetric};
use serde::Serialize;

use crate::output::{Cell, Column, Columns};

/// A point with what it belongs to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Row {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pod: Option<String>,
    pub(super) metric: String,
    #[serde(flatten)]
    pub(super) point: Point,
}

/// Returns what can be shown of a point, with its pod if the points belong to several.
pub(super) fn columns(of_pods: bool) -> Columns<Row> {
    let pod = Column::new("pod", |row: &Row| Cell::of(row.pod.clone(), Cell::text));
    let all = [
        Column::new("metric", |row: &Row| Cell::text(&row.metric)),
        Column::new("date", |row: &Row| Cell::Moment(row.point.date)),
        Column::new("value", |row: &Row| value(&row.point.value)),
    ];
    Columns::new(|row: &Row| row.metric.clone(), of_pods.then_some(pod).into_iter().chain(all))
}

/// Returns what can be shown of the newest point of a metric, whose age people read.
pub(super) fn newest_columns(of_pods: bool) -> Columns<Row> {
    columns(of_pods).replace(Column::new("date", |row: &Row| Cell::Date(row.point.date)))
}

fn value(value: &MetricValue) -> Cell {
    let text = value.as_str().to_owned();
    value.as_f64().map_or_else(|| Cell::text(value.as_str()), |number| Cell::Number { number, text })
}

/// Returns a row for each point.
pub(super) fn rows(pod: Option<&str>, metrics: &PointsByMetric) -> Vec<Row> {
    let rows = metrics.iter().flat_map(|(name, points)| {
        let row = move |point: &Point| Row {
            pod: pod.map(str::to_owned),
            metric: name.clone(),
            point: point.clone(),
        };
        points.iter().map(row)
    });
    rows.collect()
}
