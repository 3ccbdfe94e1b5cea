//! How far each file was imported: points of a metric of the run, each stored together with what it counts.
//!
//! So an import that was interrupted goes on exactly where it stopped, from any process.

use std::collections::HashMap;
use std::path::Path;

use mlbench_client::{Client, MetricName, MetricsQuery, Owner, PointField, Result, RunId};

use super::batch::{Point, Position};

/// The metric: the bytes of a file, with the lines as step, a checksum as epoch and the file as metadata.
const METRIC: &str = "imported_bytes";

/// How far a file was imported, and a checksum of what is before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Mark {
    pub(super) end: Position,
    pub(super) checksum: Option<u32>,
}

/// Marks by file.
pub(super) type Positions = HashMap<String, Mark>;

/// Reads how far the files of a run were imported.
pub(super) async fn positions(client: &Client, run: RunId) -> Result<Positions> {
    let query = MetricsQuery {
        metric_filter: vec![METRIC.to_owned()],
        fields: vec![PointField::Value, PointField::Step, PointField::Epoch, PointField::Metadata],
        ..MetricsQuery::default()
    };
    let owner = Owner::Run(run);
    let points = client.with_retries(|| client.metrics().records(&owner, &query)).await?;
    let mut positions = Positions::new();
    for point in points.into_values().flatten() {
        let byte = point.value.and_then(|value| value.as_str().parse().ok());
        let line = point.step.and_then(|step| step.try_into().ok());
        let (Some(byte), Some(file)) = (byte, point.metadata) else { continue };
        let end = Position { byte, line: line.unwrap_or(0) };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was a whole number")]
        let checksum = point.epoch.map(|checksum| checksum as u32);
        let furthest = positions.entry(file).or_default();
        if end > furthest.end {
            *furthest = Mark { end, checksum };
        }
    }
    Ok(positions)
}

/// Returns the point that says how far a file was imported.
pub(super) fn entry(Mark { end, checksum }: Mark) -> Result<Point> {
    Ok(Point {
        name: MetricName::new(METRIC)?,
        value: end.byte.to_string().into(),
        date: None,
        step: i64::try_from(end.line).ok().filter(|line| *line > 0),
        epoch: checksum.map(f64::from),
    })
}

/// Returns the name under which a file, or the origin of a run, is stored: its machine and its path.
pub(super) fn origin(path: &Path) -> String {
    let machine = rustix::system::uname();
    let path = match path.to_str() {
        Some(text) => text.to_owned(),
        // Two such paths may look the same otherwise.
        None => path.as_os_str().as_encoded_bytes().escape_ascii().to_string(),
    };
    format!("{}:{path}", machine.nodename().to_string_lossy())
}

/// Returns the key of the batch of a file that begins at a position, so that nothing is stored twice there.
pub(super) fn key(run: RunId, file: &str, begin: Position) -> String {
    format!("import-{run}-{:08x}-{}", crc32c::crc32c(file.as_bytes()), begin.byte)
}
