//! The latest value of each metric of a run.

use std::sync::Arc;

use mlbench_core::downsample::minmax::Bucket;
use mlbench_core::storage::{PointRef, PointSink, PointsQuery, read_page};
use mlbench_core::{MetricName, Owner, Result, RunId};

use super::names::millis;
use crate::app::context::App;

/// How many of the newest points of a series are searched for the highest step.
const SEARCHED: u32 = 250;

/// A point of a metric.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Logged {
    pub(super) key: MetricName,
    pub(super) value: f64,
    /// Milliseconds since 1970.
    pub(super) timestamp: i64,
    pub(super) step: i64,
}

/// Returns the latest values of these metrics of a run, or of all, by name.
///
/// The latest is the one with the highest step, and among equal steps the newest. It is searched among the newest points:
/// a run of a million points is read as fast as a short one.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound).
pub(super) async fn latest(app: &App, id: RunId, names: Arc<[MetricName]>) -> Result<Vec<Logged>> {
    let newest =
        PointsQuery { names, last_n: Some(SEARCHED), details: true, ..PointsQuery::all(Owner::Run(id)) };
    let (mut sink, mut after) = (Latest::default(), None);
    loop {
        (sink, _, after) = read_page(&*app.storage, &newest, after, sink).await?;
        if after.is_none() {
            return Ok(sink.all);
        }
    }
}

/// Keeps the latest value of each series.
#[derive(Default)]
struct Latest {
    all: Vec<Logged>,
    name: Option<MetricName>,
}

impl PointSink for Latest {
    fn series(&mut self, name: &MetricName) {
        self.name = Some(name.clone());
    }

    fn point(&mut self, point: PointRef<'_>) {
        let Some((next, name)) = logged(point, self.name.as_ref()).zip(self.name.as_ref()) else { return };
        match self.all.last_mut().filter(|last| last.key == *name) {
            Some(last) if (last.step, last.timestamp) > (next.step, next.timestamp) => {}
            Some(last) => *last = next,
            None => self.all.push(next),
        }
    }

    fn bucket(&mut self, _: &Bucket) {}

    fn is_full(&self) -> bool {
        false
    }
}

/// Returns a point as MLflow sees it. `None` for a value that is no number.
pub(super) fn logged(point: PointRef<'_>, name: Option<&MetricName>) -> Option<Logged> {
    let (value, _) = point.value.to_number()?;
    let step = point.details.and_then(|details| details.step).unwrap_or(0);
    Some(Logged { key: name?.clone(), value, timestamp: millis(point.date), step })
}
