//! How far each file was imported: points of a metric of the run, each stored together with what it counts.
//!
//! So an import that was interrupted goes on exactly where it stopped, from any process.

use std::collections::HashMap;
use std::path::Path;

use mlbench_client::{Client, MetricName, MetricsQuery, Owner, PointField, Result, RunId};

use super::batch::{Point, Position};

/// The metric. Its value is the bytes of a file, its step the lines, and its metadata the file.
const METRIC: &str = "imported_bytes";

/// Positions by file.
pub(super) type Positions = HashMap<String, Position>;

/// Reads how far the files of a run were imported.
pub(super) async fn positions(client: &Client, run: RunId) -> Result<Positions> {
    let query = MetricsQuery {
        metric_filter: vec![METRIC.to_owned()],
        fields: vec![PointField::Value, PointField::Step, PointField::Metadata],
        ..MetricsQuery::default()
    };
    let owner = Owner::Run(run);
    let points = client.with_retries(|| client.metrics().records(&owner, &query)).await?;
    let mut positions = Positions::new();
    for point in points.into_values().flatten() {
        let byte = point.value.and_then(|value| value.as_str().parse().ok());
        let line = point.step.and_then(|step| step.try_into().ok());
        let (Some(byte), Some(file)) = (byte, point.metadata) else { continue };
        let position = Position { byte, line: line.unwrap_or(0) };
        let furthest = positions.entry(file).or_default();
        *furthest = position.max(*furthest);
    }
    Ok(positions)
}

/// Returns the point that says how far a file was imported.
pub(super) fn entry(end: Position) -> Result<Point> {
    Ok(Point {
        name: MetricName::new(METRIC)?,
        value: end.byte.to_string().into(),
        date: None,
        step: i64::try_from(end.line).ok().filter(|line| *line > 0),
        epoch: None,
    })
}

/// Returns the name under which a file, or the origin of a run, is stored: its machine and its path.
pub(super) fn origin(path: &Path) -> String {
    let machine = rustix::system::uname();
    format!("{}:{}", machine.nodename().to_string_lossy(), path.display())
}

/// Returns the key of the batch of a file that begins at a position, so that nothing is stored twice there.
pub(super) fn key(run: RunId, file: &str, begin: Position) -> String {
    format!("import-{run}-{:08x}-{}", crc32c::crc32c(file.as_bytes()), begin.byte)
}
